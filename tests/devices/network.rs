//! Networks of our own: a test runs itself again inside fresh namespaces, as an ordinary user where the system allows it.

use std::process::{Command, Stdio};

const INSIDE: &str = "AMENDS_TEST_INSIDE_NAMESPACES";

/// Runs `test`, the one named `name` (its path in the test binary), inside a network namespace of its own, with a mount
/// namespace where `setup` may mount; `setup` is a shell script that prepares it.
pub(crate) fn in_namespaces(name: &str, setup: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let works = |flags: &&&str| {
        let probe = Command::new("unshare")
            .args([flags, "sh", "-ec", setup])
            .stdin(Stdio::null())
            .output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(flags) = ["-Urnm", "-nm"].iter().find(works) else {
        return super::skipped(name, "this machine gives no namespaces (unshare -Urnm)");
    };
    let this = std::env::current_exe().unwrap();
    let inner = Command::new("unshare")
        .args([flags, "sh", "-ec"])
        .arg(format!("{setup}\nexec \"$0\" --exact {name} --nocapture"))
        .arg(this)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&inner.stdout),
        String::from_utf8_lossy(&inner.stderr),
    );
    assert!(
        inner.status.success() && said.contains("1 passed"),
        "inside the namespaces:\n{said}\n{complained}"
    );
    println!("{said}");
}

/// Runs a shell command that must succeed.
#[track_caller]
pub(crate) fn shell(script: &str) {
    let done = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(
        done.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}
