//! Amends, the program. `crates/` holds what it knows, this what a person sees of it.
//!
//! ```text
//! home       the folder, its lock
//! local      conversations: in this process, or over the local socket
//! request    what can be asked and answered
//! advice     every sentence said when something fails
//! ```

pub mod advice;
pub mod home;
pub mod local;
pub mod request;
