//! The files of `tests/vectors` that speak of keys, made from the code by breaking one thing each, and answered by it.

#[path = "../../../../tests/vectors/harness.rs"]
mod harness;

mod codes;
mod craft;
mod pairing;
mod points;
mod salamander;
mod sealed;
mod session;
mod vault;
