//! Sentences that tell of something while nothing failed: what was set aside, mended, brought along or left behind.

use amends_replica::{Cause, Mended};

/// What a person is told of a record that is kept and set aside: whose it is (none: this person's own), its number, the entries
/// that it is of as far as they are known, and why, in words for people before those of the wall.
pub fn set_aside(by: Option<&str>, number: u64, entries: &[String], reason: &str) -> String {
    let whose = match by {
        None => "your own log".to_owned(),
        Some(name) => format!("{name}'s log"),
    };
    let of = match entries {
        [] => String::new(),
        ids => format!(", of {}", ids.join(" and ")),
    };
    let why = match Cause::of(reason) {
        Cause::LaterVersion => {
            "a later version of Amends wrote it, and it is read by itself once this one is as new"
        }
        Cause::NoChange => "it is not as Amends writes, damaged or meant to do harm",
        Cause::Forbidden => "it would have changed what is not its writer's to change",
        Cause::Follows => "it builds on something that was set aside before",
        Cause::Unreadable => "with it the entry could not have been kept and read again",
        Cause::Stops => "Amends stopped each time it was taken in",
        Cause::Lost => "why is not known any more",
    };
    let exact = match reason {
        "" => String::new(),
        exact => format!(" ({exact})"),
    };
    format!(
        "Record {number} of {whose}{of} is kept and set aside: {why}{exact}. Everything else goes on."
    )
}

/// What a person is told of those that are not told of one by one.
pub fn set_aside_more(count: u64) -> String {
    match count {
        1 => "One more record is kept and set aside.".to_owned(),
        n => format!("{n} more records are kept and set aside."),
    }
}

/// What a person is told of records that their disk lost.
pub fn records_lost(count: u64) -> String {
    match count {
        1 => "One record is lost on this disk; your partner's device is asked for it.".to_owned(),
        n => format!("{n} records are lost on this disk; your partner's device is asked for them."),
    }
}

/// What came of the repair of a vault with one changed byte.
pub fn vault_mended(path: &str) -> String {
    format!(
        "{path} had one byte that was changed from outside. It is put right, as the check at its end says."
    )
}

/// What came of a repair. `anew`: the file was made anew, and the damaged one is kept.
pub fn mended(path: &str, mended: Option<&Mended>, anew: bool) -> String {
    let mut said = Vec::new();
    if anew {
        said.push(format!(
            "{path} was damaged and is made anew of what could be read; as it was it is kept beside it, with .damaged behind its name."
        ));
    }
    let mended = mended.copied().unwrap_or_default();
    let count = |n: u64, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("One {one}")),
        n => Some(format!("{n} {many}")),
    };
    let was = |n: u64| if n == 1 { "was" } else { "were" };
    let is = |n: u64| if n == 1 { "is" } else { "are" };
    said.extend(count(mended.made, "row", "rows").map(|rows| {
        format!(
            "{rows} {} made anew from this device's own log.",
            was(mended.made)
        )
    }));
    said.extend(count(mended.asked, "record", "records").map(|records| {
        format!(
            "{records} {} lost here, and asked of your partner's device when you meet.",
            is(mended.asked)
        )
    }));
    said.extend(
        count(mended.pieces, "piece of a photo", "pieces of photos").map(|pieces| {
            format!(
                "{pieces} {} lost here, and asked for when you meet.",
                is(mended.pieces)
            )
        }),
    );
    said.extend(count(mended.gone, "record of your own", "records of your own").map(|records| {
        format!(
            "{records} {} lost here and had not reached your partner's device: what entries showed of it they still show, and a backup may hold the rest.",
            is(mended.gone)
        )
    }));
    if mended.begins_anew {
        said.push(
            "What was written last may be missing, so this device writes on under a new key."
                .to_owned(),
        );
    }
    if said.is_empty() {
        said.push(format!("There was nothing to repair in {path}."));
    }
    said.join(" ")
}

/// What a person is told when something was refused outright.
pub fn refused(reason: &str) -> String {
    format!("Something came that was refused: {reason}. Nothing of it was kept.")
}

/// What a person is told of records in a bundle that cannot be taken yet.
pub fn bundle_waiting(count: u64) -> String {
    let records = match count {
        1 => "One record in it".to_owned(),
        n => format!("{n} records in it"),
    };
    format!(
        "{records} could not be taken yet, because others that come before are not here. Nothing is lost: read the earlier bundle first, then this one again, or meet."
    )
}

/// What a person is told of what a bundle held that is none of this pair's.
pub fn bundle_refused(count: u64, reason: &str) -> String {
    let pieces = match count {
        1 => "One piece of it was".to_owned(),
        n => format!("{n} pieces of it were"),
    };
    format!("{pieces} refused, and nothing of that was kept ({reason}).")
}

/// The two devices run versions of which the older cannot read all that the newer writes.
pub fn older(mine: bool) -> &'static str {
    if mine {
        "Your partner's device runs a later version of Amends. What it writes that this one does not know is kept, and read once you bring Amends up to date on this device."
    } else {
        "Your partner's device runs an older version of Amends. What you write that it does not know is kept there, and read once Amends is brought up to date there."
    }
}

/// Something in an entry that this version cannot read.
pub const UNREAD: &str = "A later version of Amends wrote in this, and this one cannot read all of it yet. It is kept as it is; bring Amends up to date on this device, and it is read.";

/// Something in the clear lies where nobody finished it.
pub fn export_unfinished(folder: &str) -> String {
    format!(
        "{folder} holds a part of an export that was never finished, in the clear. Remove it if no other amends is just writing it."
    )
}

/// Somebody reads what was written here.
pub const BUNDLE_OWN: &str =
    "This device wrote this bundle itself. It is meant for your partner's.";

/// A bundle's clock that is no news.
pub const BUNDLE_OLDER: &str = "What it says of how far things have reached is older than what is known here, so that part does not count.";

/// By a bundle, this device's home went back in time.
pub const BUNDLE_OLDER_COPY: &str = "This home is an older copy of itself: the partner's device holds more of what was written here. What is missing comes back at the next meeting, or from a bundle that was written there with --all.";

/// This device's home went back in time.
pub const OLDER_COPY: &str = "This home is an older copy of itself: the partner's device holds more of what was written here. What is missing comes back from there now. What you write begins under a key of its own.";

/// This home was copied or restored since it was last written in.
pub const IS_COPY: &str = "This home is a copy, or came back from one. What you write next begins under a key of its own, so that nothing is lost whatever the other copy wrote.";

/// A device that came back from a backup or a copy writes on.
pub const BEGAN_ANEW: &str = "This home came back from a backup or a copy, so this device writes on under a new key. Nothing of either copy is lost; your partner's device takes both.";

/// Another copy of this home writes too.
pub const OTHER_COPY: &str = "Another copy of this home writes to this journal too, under a key of its own. Both are kept. If that copy is not yours, somebody has your journal and its passphrase: see amends safety.";

/// The partner's device came back from a backup or a copy.
pub fn partner_began(partner: &str) -> String {
    let partner = crate::terminal::line(partner);
    format!(
        "{partner}'s device came back from a backup or a copy, and writes on under a new key. Everything of both is kept. If {partner} knows of no such thing, ask: it was done with their device's keys."
    )
}

/// What was written on a branch that could reach nobody was written once more.
pub fn carried(ids: &[String]) -> String {
    format!(
        "Two copies of this home had written at once. What was written here is kept beside what the other wrote, and goes to your partner now: {}.",
        ids.join(", ")
    )
}

/// Agreements that were made there.
pub fn agree_anew(ids: &[String]) -> String {
    format!(
        "You had agreed here to words that the other copy may have seen otherwise. That does not count yet. Look at them, and agree again if you mean it: {}.",
        ids.join(", ")
    )
}

/// What could not be written once more.
pub fn left_behind(changes: usize) -> String {
    format!(
        "Of what two copies of a home had written at once, changes that could not be taken over: {changes}. They are kept here and do not reach your partner."
    )
}

/// A talk that waited for the end of a space is none that the journal takes.
pub const GIVEN_BACK: &str = "A talk that waited for the end of the space could not begin as it is. It is a draft of yours again: see amends talk list.";

/// Two records of one number.
pub const FORK: &str = "Two different records carry the same number, as when a copy of a home is used beside the first one. The one that was held first stays under it; what the other copy wrote comes under another.";

/// The partner's device went back in time.
pub const PARTNER_WENT_BACK: &str = "The partner's device holds less than it once did, as after coming back from an older copy. What it lacks is sent again.";
