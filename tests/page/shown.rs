//! What the page is: small, alone, the same in both languages; and what it does, by two people in a real browser.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Page;

/// The page's own files: where each is served, and what stands in it.
fn own_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/page");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            let served = format!("/{}", name.trim_end_matches("index.html"));
            files.push((served, std::fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

/// What a browser is given of a script or a style: neither comments nor the space before a line.
fn code(text: &str) -> Vec<&str> {
    let begins = |line: &&str| line.starts_with("//") || line.starts_with('*');
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !begins(line) && !line.starts_with("/*"));
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_whole_page_is_small_and_stands_alone() {
    let page = Page::new();
    let served = |path: &str| {
        let (status, answer) = page.raw("GET", path, &[("Host", &page.host)], "");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status == 200).then(|| body.to_owned())
    };
    let script = served("/page.js").expect("the script is not served");
    let mut rest: BTreeSet<String> = script.lines().map(str::to_owned).collect();
    let mut names = BTreeSet::new();
    let (mut size, mut language) = (script.len(), 0);
    for (path, text) in own_files() {
        for never in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "indexedDB",
        ] {
            assert!(!text.contains(never), "{path} has {never}");
        }
        for (at, _) in text.match_indices("http") {
            let address: String = text[at..].chars().take(40).collect();
            assert!(
                !address.starts_with("http://") && !address.starts_with("https://")
                    || address.starts_with("http://www.w3.org/2000/svg"),
                "{path} names {address}"
            );
        }
        let is_script = path.ends_with(".js");
        for (n, line) in text.lines().enumerate().filter(|_| is_script) {
            // What is served has no space before a line, and none of the lines that are comments.
            assert!(
                line.matches('`').count() % 2 == 0,
                "{path}:{}: a text goes over the end of a line",
                n + 1
            );
        }
        let alone = served(&path);
        if is_script && !path.starts_with("/words/") {
            assert_eq!(alone, None, "{path} is served by itself, too");
            // All of it but its imports stands in the one script, in this order.
            let lines = code(&text).into_iter();
            let lines: Vec<&str> = lines
                .filter(|line| !line.starts_with("import "))
                .map(|line| line.strip_prefix("export ").unwrap_or(line))
                .collect();
            assert!(
                script.contains(&lines.join("\n")),
                "{path} is not in it whole"
            );
            for line in &lines {
                rest.remove(*line);
            }
            for name in top_names(&text) {
                assert!(names.insert(name.clone()), "{name} is in two modules");
            }
            continue;
        }
        let body = alone.unwrap_or_else(|| panic!("{path} is not served"));
        if is_script {
            assert_eq!(code(&text).join("\n"), body, "{path}");
        }
        // A browser loads the one language that it speaks: the longest counts.
        if path.starts_with("/words/") {
            language = language.max(body.len());
        } else {
            size += body.len();
        }
    }
    assert!(rest.is_empty(), "from none of its modules: {rest:?}");
    let whole = size + language;
    eprintln!("the whole page is {whole} bytes, {language} of them its words");
    assert!(whole < 150_000, "{whole} bytes");
}

/// What a module gives names to outside of its functions.
fn top_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let Some((what, rest)) = line.split_once(' ') else {
            continue;
        };
        if !["const", "let", "function", "function*", "class"].contains(&what) {
            continue;
        }
        let named = rest.split(['=', '(', ';']).next().unwrap_or_default();
        let named = match what {
            "class" => named.split_whitespace().next().unwrap_or_default(),
            _ => named,
        };
        let words = named.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        names.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
    }
    names
}

#[test]
fn a_browser_is_told_at_once_which_words_it_will_want() {
    let page = Page::new();
    for (wished, words) in [
        ("de-AT,de;q=0.9,en;q=0.8", "/words/de.js"),
        ("fr,de;q=0.5,en;q=0.4", "/words/de.js"),
        ("en-GB,de;q=0.5", "/words/en.js"),
        ("fr", "/words/en.js"),
        ("", "/words/en.js"),
    ] {
        let headers = [("Host", page.host.as_str()), ("Accept-Language", wished)];
        let (_, answer) = page.raw("GET", "/", &headers, "");
        let preload = format!("<link rel=\"modulepreload\" href=\"{words}\">");
        assert!(answer.contains(&preload), "{wished}: {answer}");
    }
}

/// What only commands meet: a page never asks for it, or says it in words of its own.
const OF_COMMANDS: &[&str] = &[
    "already_up",
    "background_failed",
    "backup_exists",
    "backup_place",
    "bundle_exists",
    "bundle_place",
    "calendar_exists",
    "calendar_place",
    "editor_failed",
    "export_not_answered",
    "export_not_empty",
    "export_place",
    "file_exists",
    "giving_not_answered",
    "input_unreadable",
    "interrupted",
    "key_not_destroyed",
    "kit_file",
    "kit_needs_a_place",
    "kit_needs_words",
    "kit_not_written",
    "no_editor",
    "no_guide",
    "no_keyring",
    "no_safe_place",
    "no_such_version",
    "no_terminal",
    "nobody_compares",
    "nobody_says_yes",
    "not_all_removed",
    "not_running",
    "not_text",
    "not_written",
    "nothing_typed",
    "output_failed",
    "packet_file_exists",
    "page_cannot_listen",
    "passphrase_file",
    "passphrases_differ",
    "photo_place",
    "repair_while_up",
    "said_no",
    "session_needs_somebody",
    "sharing_not_answered",
    "socket_unusable",
    "still_open",
    "stopped",
    "stopped_too_late",
    "wrong_use",
];

#[test]
fn what_fails_is_said_in_german_too() {
    let sentences = include_str!("../../src/advice/sentences.txt");
    let codes: BTreeSet<&str> = sentences
        .lines()
        .filter_map(|line| {
            line.strip_prefix('[')?
                .split_once(", exit")
                .map(|(code, _)| code)
        })
        .collect();
    let said = |language: &'static str| -> BTreeSet<&str> {
        let words = language.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == '.'));
        words
            .filter_map(|word| word.strip_prefix("fail."))
            .collect()
    };
    let german = said(include_str!("../../src/web/page/words/de.js"));
    let english = said(include_str!("../../src/web/page/words/en.js"));
    for code in german.union(&english) {
        assert!(codes.contains(code), "nothing fails with {code}");
    }
    let of_commands: BTreeSet<&str> = OF_COMMANDS.iter().copied().collect();
    for code in &codes {
        assert!(
            german.contains(code) != of_commands.contains(code),
            "{code}: a page says it in German, or only commands meet it"
        );
    }
    assert!(english.is_subset(&german), "said in English alone");
    assert!(of_commands.is_subset(&codes), "known to no sentence");
}

/// Where Chromium and what drives it are. Says loudly where a test is skipped.
fn browser(test: &str) -> Option<PathBuf> {
    let this = std::env::current_exe().unwrap();
    let reader = this.ancestors().nth(3).unwrap().join("ci-tools/page");
    let found = reader.join("node_modules/playwright-core").exists()
        && Path::new("/usr/bin/chromium").exists();
    if found {
        return Some(reader);
    }
    assert!(
        std::env::var_os("AMENDS_REQUIRE_CHROMIUM").is_none(),
        "Chromium or {} is not there",
        reader.display()
    );
    eprintln!(
        "SKIPPED {test}: it needs Chromium, and what .ci/run installs in {}",
        reader.display()
    );
    None
}

fn in_a_browser(test: &str, script: &str) {
    let Some(reader) = browser(test) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/page")
        .join(script);
    let out = Command::new("node")
        .arg(script)
        .env("AMENDS_PAGE_READER", reader)
        .env("AMENDS_BINARY", env!("CARGO_BIN_EXE_amends"))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn a_long_journal_is_shown_as_little_at_a_time_as_a_short_one() {
    in_a_browser(
        "a_long_journal_is_shown_as_little_at_a_time_as_a_short_one",
        "many.mjs",
    );
}

#[test]
fn two_people_live_a_day_in_two_browsers() {
    in_a_browser("two_people_live_a_day_in_two_browsers", "day.mjs");
}
