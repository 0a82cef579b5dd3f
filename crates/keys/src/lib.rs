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
//! | [`invite`] | the one-time code, its guesses, the joiner's memory | 1 |
//! | [`pairing`] | M0 to M6, each step consuming the one before | 1 |
//! | [`session`] | Noise KKpsk0 between two paired devices | 2 |
//! | [`seal`] | envelopes, and rows of the local store | 4 |
//! | [`blob`] | the sealed chunks of a photo | 3 |
//! | [`bundle`] | the clock that a bundle carries | 3 |
//! | [`identity`] | static and log keys, names, identities of the day | 3, 5 |
//! | [`vault`] | the vault key behind a passphrase and a kit | 7 |
//! | [`backup`] | one sealed file of everything | 7 |
//! | [`kit`] | the recovery kit as 24 words | 7 |
//! | [`lv`], [`label`] | how items are put in line; every derivation label | all |
//!
//! The crate is pure: no clock, no randomness of its own, no threads, no IO. Time comes in as
//! milliseconds since 1970 UTC, randomness as `&mut dyn rand_core::CryptoRng`. Nothing here panics
//! on bytes from outside, and a secret is wiped when dropped, has no `Display`, and a `Debug` that
//! leaves it out.

pub mod backup;
pub mod blob;
pub mod bundle;
pub mod identity;
pub mod invite;
mod kdf;
pub mod kit;
pub mod label;
pub mod lv;
pub mod pairing;
pub mod seal;
mod sealed;
mod secret;
pub mod session;
pub mod vault;

pub use rand_core::CryptoRng;
pub use secret::wiping_stack;
