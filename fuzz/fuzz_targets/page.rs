#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| drop(amends_fuzz::target("page").run(input)));
