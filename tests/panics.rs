//! A panic is a mistake of the program's, and tells nobody what somebody wrote.

use std::process::Command;

const CANARY: &str = "The heron stood by the frozen lake.";

#[test]
fn a_panic_says_where_it_was_and_never_what_somebody_wrote() {
    const CHILD: &str = "AMENDS_TEST_PANICS";
    if std::env::var_os(CHILD).is_some() {
        amends::keep_panics_quiet();
        let written = CANARY.to_owned();
        panic!("{written}");
    }
    let name = "a_panic_says_where_it_was_and_never_what_somebody_wrote";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "full")
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("it stopped at tests/panics.rs:"), "{said}");
    assert!(!said.contains("heron"), "{said}");
}
