//! `doctor`: what can be wrong, looked at in the order in which one thing hides another.
//!
//! ```text
//! outside    without a key: the folder, the disk, the vault's file, the clock
//! network    the ways between the two devices: interfaces, VPN, multicast, the partner's device
//! ```
//!
//! The stores, which need a key, are looked at by whoever holds them: `app::examining`.

pub mod network;
pub mod outside;

use crate::advice::{self, Advice};
use crate::request::{Failure, Finding, State};

/// Nothing is wrong with it.
pub fn well(check: &str, message: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        state: State::Ok,
        message: message.into(),
        hint: None,
        code: None,
    }
}

/// Something is, as bad as `state` says.
pub fn ill(check: &str, state: State, what: impl Into<Failure>) -> Finding {
    let failure = what.into();
    Finding {
        check: check.to_owned(),
        state,
        message: failure.message,
        hint: Some(failure.hint),
        code: Some(failure.code),
    }
}

/// It keeps something from working.
pub fn failed(check: &str, what: impl Into<Failure>) -> Finding {
    ill(check, State::Failed, what)
}

/// It could not be looked at, because of something that was found elsewhere.
pub fn unknown(check: &str, message: impl Into<String>) -> Finding {
    Finding {
        state: State::Unknown,
        ..well(check, message)
    }
}

/// The worst first; what is equally bad stays in the order in which it was looked at, where causes come before what they
/// cause. So the first one is the one to begin with.
pub fn worst_first(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    findings
}

/// The exit code that goes with them: that of the first thing that failed; 3 where the journal stayed locked, so that not
/// everything was looked at; else 0.
pub fn exit_of(findings: &[Finding]) -> u8 {
    let exit = |finding: &Finding| finding.code.as_deref().map(advice::exit_of);
    let failed = findings
        .iter()
        .find(|finding| finding.state == State::Failed);
    if let Some(failed) = failed {
        return exit(failed).unwrap_or(advice::FAILED);
    }
    let locked = |finding: &&Finding| exit(finding) == Some(advice::LOCKED);
    findings
        .iter()
        .find(locked)
        .map_or(advice::DONE, |_| advice::LOCKED)
}

/// What is said of a check that needs the passphrase, where there is none.
pub fn locked(check: &str, why: impl Into<Failure>) -> Finding {
    let mut finding = ill(check, State::Unknown, why);
    finding.message = Failure::from(Advice::NotLookedAt {
        why: finding.message,
    })
    .message;
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_first_and_gives_the_exit_code() {
        let findings = worst_first(vec![
            well("home", "fine"),
            unknown("vpn", "not known"),
            failed("multicast", Advice::NoInterface),
            failed("partner", Advice::Busy),
        ]);
        let order: Vec<&str> = findings.iter().map(|one| &*one.check).collect();
        assert_eq!(order, ["multicast", "partner", "vpn", "home"]);
        assert_eq!(exit_of(&findings), advice::NOT_REACHED);
        assert_eq!(exit_of(&findings[2..]), advice::DONE);
        let locked = [locked("journal", Advice::NoPassphrase)];
        assert_eq!(exit_of(&locked), advice::LOCKED);
    }
}
