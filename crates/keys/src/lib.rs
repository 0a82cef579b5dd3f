#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable,
        clippy::todo
    )
)]
//! The keys of Amends: who a device is, how two of them pair, speak and seal, and how what they
//! hold is locked at rest. The bytes are those of `docs/PROTOCOL.md`, section by section:
//!
//! | module | holds | section |
//! | --- | --- | --- |
//! | [`seal`] | envelopes, and rows of the local store | 4 |
//! | [`identity`] | static and log keys, names, identities of the day | 3, 5 |
//! | [`lv`], [`label`] | how items are put in line; every derivation label | all |
//!
//! The crate is pure: no clock, no randomness of its own, no threads, no IO. Time comes in as
//! milliseconds since 1970 UTC, randomness as `&mut dyn rand_core::CryptoRng`. Nothing here panics
//! on bytes from outside, and a secret is wiped when dropped, has no `Display`, and a `Debug` that
//! leaves it out.

pub mod identity;
mod kdf;
pub mod label;
pub mod lv;
pub mod seal;
mod secret;

pub use rand_core::CryptoRng;
