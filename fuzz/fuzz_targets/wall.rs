#![no_main]

libfuzzer_sys::fuzz_target!(
    // The wall catches a panic of Automerge's and sets the change aside; libFuzzer would stop at it. What is not caught
    // stops the fuzzer all the same.
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |input: &[u8]| drop(amends_fuzz::target("wall").run(input))
);
