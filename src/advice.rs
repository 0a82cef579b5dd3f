//! Every sentence that is said to a person when something fails: what failed, then what to do.
//!
//! The crates return values; here, at the edge, they become words. A [`Failure`] is made from an [`Advice`] and nowhere
//! else, and a test pins every one of them (`advice/sentences.txt`), so that a change of wording is seen in review.

mod told;

pub use told::{
    BEGAN_ANEW, BUNDLE_OLDER, BUNDLE_OLDER_COPY, BUNDLE_OWN, FORK, GIVEN_BACK, IS_COPY, OLDER_COPY,
    OTHER_COPY, PARTNER_WENT_BACK, UNREAD, agree_anew, bundle_refused, bundle_waiting, carried,
    export_unfinished, left_behind, mended, older, partner_began, records_lost, refused, set_aside,
    set_aside_more, vault_mended,
};

use crate::request::Failure;

/// Done.
pub const DONE: u8 = 0;
/// Something failed that no other number names.
pub const FAILED: u8 = 1;
/// The command line was wrong.
pub const WRONG_USE: u8 = 2;
/// The vault stays locked: no passphrase, or a wrong one.
pub const LOCKED: u8 = 3;
/// There is no partner yet.
pub const NOT_PAIRED: u8 = 4;
/// The partner's device could not be met.
pub const NOT_REACHED: u8 = 5;
/// A rule of the journal says no.
pub const RULE: u8 = 6;
/// Something stored cannot be read.
pub const DAMAGED: u8 = 7;

impl From<crate::home::OpenHomeError> for Failure {
    fn from(error: crate::home::OpenHomeError) -> Failure {
        use crate::home::OpenHomeError as E;
        let text = |path: std::path::PathBuf| crate::terminal::line(&path.display().to_string());
        match error {
            E::Absent(dir) => Advice::NoJournal { dir: text(dir) },
            E::NotAFolder(path) => Advice::HomeNotAFolder { path: text(path) },
            E::NotOurs(dir) => Advice::HomeNotOurs { dir: text(dir) },
            E::OtherOwner(path) => Advice::HomeOfAnother { path: text(path) },
            E::TooOpen {
                path,
                mode,
                folder: true,
            } => Advice::FolderTooOpen {
                path: text(path),
                mode: format!("{mode:03o}"),
            },
            E::TooOpen {
                path,
                mode,
                folder: false,
            } => Advice::FileTooOpen {
                path: text(path),
                mode: format!("{mode:03o}"),
            },
            E::NotAFile(path) => Advice::HomeNotAFile { path: text(path) },
            E::Missing(path) => Advice::HomeIncomplete { path: text(path) },
            E::Io { path, error } => Advice::HomeUnusable {
                path: text(path),
                error: crate::terminal::reason(&error),
            },
        }
        .into()
    }
}

impl From<crate::home::CreateHomeError<Failure>> for Failure {
    fn from(error: crate::home::CreateHomeError<Failure>) -> Failure {
        use crate::home::CreateHomeError as E;
        let text = |path: std::path::PathBuf| crate::terminal::line(&path.display().to_string());
        match error {
            E::Exists(dir) => Advice::JournalExists { dir: text(dir) },
            E::Occupied(dir) => Advice::FolderOccupied { dir: text(dir) },
            E::NoParent(path) => Advice::HomeNotAFolder { path: text(path) },
            E::MountPoint(dir) => Advice::FolderIsMount { dir: text(dir) },
            E::Io { path, error } => Advice::CannotMakeHome {
                path: text(path),
                error: crate::terminal::reason(&error),
            },
            E::Fill(failure) => return failure,
        }
        .into()
    }
}

impl From<amends_keys::invite::CodeError> for Advice {
    fn from(error: amends_keys::invite::CodeError) -> Advice {
        use amends_keys::invite::CodeError as E;
        match error {
            E::WrongCheckDigit => Advice::CodeMistyped,
            E::TooShort { .. } | E::TooLong { .. } => Advice::CodeTooShort,
            E::Version(theirs) => Advice::PairingVersion {
                theirs: u64::from(theirs),
            },
            E::Incomplete => Advice::CodeIncomplete,
            E::NotADigit(_) | E::NotBase32(_) | E::UnknownPrefix | E::TextTooLong { .. } => {
                Advice::CodeNotACode
            }
        }
    }
}

impl From<amends_journal::schedule::ScheduleFault> for Advice {
    fn from(fault: amends_journal::schedule::ScheduleFault) -> Advice {
        Advice::BadSchedule {
            why: fault.to_string(),
        }
    }
}

/// The exit code that goes with a failure's code; 1 for one that is not known here.
pub fn exit_of(code: &str) -> u8 {
    Advice::EXITS
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(FAILED, |(_, exit)| *exit)
}

macro_rules! advice {
    ($( $(#[$doc:meta])* $name:ident $( { $($field:ident : $type:ty),+ $(,)? } )? => $code:literal, $exit:ident, $message:literal, $hint:literal; )+) => {
        /// One thing that can fail, as a person should hear of it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the sentences say it")]
        pub enum Advice { $( $(#[$doc])* $name $( { $($field: $type),+ } )? ),+ }

        impl Advice {
            /// Every code there is, in the order of this file.
            pub const CODES: &[&str] = &[$($code),+];
            const EXITS: &[(&str, u8)] = &[$(($code, $exit)),+];
        }

        impl From<Advice> for Failure {
            fn from(advice: Advice) -> Failure {
                match advice {
                    $( Advice::$name $( { $($field),+ } )? => Failure {
                        code: $code.to_owned(),
                        exit: $exit,
                        message: format!($message),
                        hint: format!($hint),
                    }, )+
                }
            }
        }
    };
}

advice! {
    // The command line and the terminal.
    WrongUse { message: String, hint: String } => "wrong_use", WRONG_USE,
        "{message}", "{hint}";
    NoPlaceForHome => "no_place", WRONG_USE,
        "This machine has no folder for your data, so there is no place for the journal.",
        "Name one with --home DIR or in AMENDS_HOME.";
    NothingTyped => "nothing_typed", WRONG_USE,
        "There is no text.",
        "Type the text as an argument, give it on standard input with -, or write it in the editor and save.";
    NoGuide => "no_guide", WRONG_USE,
        "There is no text, and nobody can be asked for it here.",
        "Give the text as an argument or on standard input with -, or give the command again at a terminal.";
    NoEditor => "no_editor", WRONG_USE,
        "There is no text, and no editor is set to write it in.",
        "Set VISUAL or EDITOR, or give the text as an argument or on standard input with -.";
    EditorFailed { editor: String, error: String } => "editor_failed", FAILED,
        "The editor {editor} did not end well: {error}. Nothing was kept.",
        "Try it by itself, or give the text on standard input with -.";
    NoSafePlaceForText => "no_safe_place", FAILED,
        "The text would have to lie on the disk in clear while the editor is open, and you did not want that.",
        "Give the text on standard input with -.";
    InputNotText => "not_text", WRONG_USE,
        "What came on standard input is not UTF-8 text.",
        "Save it as UTF-8 and try again.";
    InputUnreadable { error: String } => "input_unreadable", FAILED,
        "Standard input could not be read: {error}.",
        "Give the text as an argument, or try again.";
    OutputFailed { error: String } => "output_failed", FAILED,
        "The answer could not be written: {error}.",
        "What was asked is done. Look with amends status.";
    NotAPlace { path: String, error: String } => "not_written", FAILED,
        "{path} could not be written: {error}.",
        "Name a folder that you may write to.";
    Stopped => "stopped", FAILED,
        "Stopped, and nothing was kept.",
        "Begin again whenever you like.";
    StoppedTooLate { partner: String } => "stopped_too_late", FAILED,
        "You stopped, but the pairing with {partner} was done already and is kept here.",
        "If you did not want that, pair again: it is replaced as long as {partner}'s device has not confirmed it.";
    Interrupted => "interrupted", FAILED,
        "Stopped before the answer came, so this may be done or not.",
        "Look with amends status, then go on from there.";
    SaidNo => "said_no", FAILED,
        "Nothing was done, as you said.",
        "Give the command again when you want it.";

    // The home.
    NoJournal { dir: String } => "no_journal", FAILED,
        "There is no journal at {dir}.",
        "Make one with: amends init --name YOUR_NAME. Or name the right folder with --home DIR.";
    HomeNotAFolder { path: String } => "not_a_folder", FAILED,
        "{path} is not a folder.",
        "Name the folder of your journal with --home DIR.";
    HomeNotOurs { dir: String } => "not_a_journal", FAILED,
        "{dir} holds other things and no journal. It was left as it is.",
        "Name the folder of your journal with --home DIR.";
    HomeOfAnother { path: String } => "not_yours", FAILED,
        "{path} belongs to another user of this machine.",
        "Use the account that made the journal, or name another folder with --home DIR.";
    FolderTooOpen { path: String, mode: String } => "too_open", FAILED,
        "Others on this machine can look into {path} (mode {mode}), so it stays closed.",
        "If nobody should: chmod 700 '{path}'. What is in it is sealed, but think about who may have copied it.";
    FileTooOpen { path: String, mode: String } => "too_open", FAILED,
        "Others on this machine can read {path} (mode {mode}), so it stays closed.",
        "If nobody should: chmod 600 '{path}'. What is in it is sealed, but think about who may have copied it.";
    HomeNotAFile { path: String } => "not_a_file", DAMAGED,
        "{path} is not a plain file, and only a plain file belongs there.",
        "Look what it is. If it is a link, put the file itself in its place.";
    HomeIncomplete { path: String } => "incomplete", DAMAGED,
        "{path} is missing, and the journal cannot be opened without it.",
        "Put the whole folder back from a copy. Nothing was changed.";
    HomeUnusable { path: String, error: String } => "home_unusable", FAILED,
        "{path} cannot be used: {error}.",
        "See that the disk is there, has room and may be written to by you.";
    JournalExists { dir: String } => "exists", FAILED,
        "There is a journal at {dir} already. It was left as it is.",
        "Use it as it is, or name another folder with --home DIR for a second one.";
    FolderOccupied { dir: String } => "occupied", FAILED,
        "{dir} is not an empty folder. It was left as it is.",
        "Name a new or an empty folder with --home DIR.";
    FolderIsMount { dir: String } => "mount_point", FAILED,
        "{dir} is where another disk is mounted, and a journal cannot be put exactly there.",
        "Name a folder inside it with --home DIR.";
    CannotMakeHome { path: String, error: String } => "cannot_create", FAILED,
        "The journal could not be made: {path}: {error}. Nothing was left behind.",
        "Name a folder on a disk that has room and that you may write to, with --home DIR.";

    // The vault and its passphrase.
    BadName { why: String } => "bad_name", WRONG_USE,
        "This name cannot be used: {why}.",
        "A name has 1 to 40 bytes, without control characters. Your partner will see it.";
    NoPassphrase => "no_passphrase", LOCKED,
        "The journal is locked and nobody may be asked for its passphrase.",
        "Leave --no-input out, or give --passphrase-file FILE, or keep it open with: amends up.";
    NoTerminal => "no_terminal", LOCKED,
        "The journal is locked, and there is no terminal to ask for its passphrase.",
        "Run this in a terminal, or give --passphrase-file FILE.";
    PassphraseFile { path: String, error: String } => "passphrase_file", LOCKED,
        "The passphrase could not be read from {path}: {error}.",
        "The file's first line must be the passphrase, in UTF-8.";
    EmptyPassphrase => "empty_passphrase", LOCKED,
        "An empty passphrase protects nothing.",
        "Take four or five words that only you would put together.";
    PassphrasesDiffer => "passphrases_differ", LOCKED,
        "The two passphrases are not the same. Nothing was made.",
        "Try again, slowly.";
    WrongPassphrase => "wrong_passphrase", LOCKED,
        "That is not the passphrase of this journal.",
        "Try again; see that Caps Lock and the keyboard's language are as they were. If you forgot it and have a recovery kit: amends passphrase --kit.";
    NoMemory { mib: u64 } => "no_memory", FAILED,
        "Trying a passphrase takes {mib} MiB of memory, and this device has not so much free.",
        "Close other programs, then try again.";
    PassphraseTooLong { limit: u64 } => "passphrase_too_long", LOCKED,
        "The passphrase is longer than {limit} bytes.",
        "Take a shorter one.";
    VaultDamaged { path: String, why: String } => "vault_damaged", DAMAGED,
        "The vault {path} cannot be read: {why}.",
        "amends doctor --repair finds out whether one changed byte can be put right. Where not, put that file back from a copy. Without it nobody can open the journal. Nothing was changed.";
    VaultFailed { why: String } => "vault_failed", FAILED,
        "The vault could not be made: {why}. Nothing was left behind.",
        "Close other programs if memory is short, or choose less with --argon2-memory.";
    VaultMeanwhile => "vault_meanwhile", FAILED,
        "Another command changed the vault at the same moment. Nothing was done here.",
        "See that nobody else is just changing the passphrase or the kit, then try again.";
    VaultNotReplaced { path: String, error: String } => "vault_not_replaced", FAILED,
        "The vault could not be written anew: {path}: {error}.",
        "What opened the journal before still does. See that the disk has room and may be written to, then try again.";

    NoKeyring { why: String } => "no_keyring", FAILED,
        "The system's keyring cannot hold the key of this journal: {why}. Nothing was changed.",
        "The passphrase opens it as before. So that it is not asked for all day, keep it open with: amends up --background.";

    // The recovery kit.
    NoKit => "no_kit", LOCKED,
        "There is no recovery kit for this.",
        "Make one while you know the passphrase, with: amends kit make.";
    NotAKit { why: String } => "not_a_kit", LOCKED,
        "These words are no recovery kit: {why}.",
        "Look at your paper again: 24 words, in the order of their numbers.";
    OtherKit => "other_kit", LOCKED,
        "These words are a recovery kit, but not the one that opens this.",
        "Look for the paper that was written last: a new kit makes the older one useless. A backup opens with the kit of its day.";
    KitDiffers { number: u64 } => "kit_differs", FAILED,
        "Word {number} is not what was typed.",
        "If your paper says so too, it is not this journal's kit: make a new one with: amends kit make.";
    KitFile { path: String, error: String } => "kit_file", LOCKED,
        "The words of the kit could not be read from {path}: {error}.",
        "The file must hold the 24 words and nothing else.";
    KitNotWritten { path: String, error: String } => "kit_not_written", FAILED,
        "The words of the kit could not be written to {path}: {error}. No kit was made.",
        "Name a file that is not there yet, on a stick for example.";
    KitNeedsAPlace => "kit_needs_a_place", WRONG_USE,
        "A kit is written down by somebody, and nobody may be asked here.",
        "Run this in a terminal, or say where the words go: a new file, or - for standard output.";
    KitNeedsWords => "kit_needs_words", WRONG_USE,
        "The words of the kit are needed, and nobody may be asked here.",
        "Run this in a terminal, or give all 24 of them on standard input or in a file.";

    // The page.
    PageCannotListen { error: String } => "page_cannot_listen", FAILED,
        "No page can be served on this machine ({error}).",
        "The commands do all that the page does: see amends --help.";
    PageForeign => "page_foreign", FAILED,
        "This did not come from the page of your journal.",
        "Use the address that amends open gave, as it is.";
    PageToken => "page_token", LOCKED,
        "This address was used already, or is an old one.",
        "Open the page with your passphrase, or get another address: amends open.";
    PageLocked => "page_locked", LOCKED,
        "The page is locked.",
        "Open it with your passphrase.";
    PageWait { seconds: u64 } => "page_wait", LOCKED,
        "That was wrong several times in a row.",
        "Wait {seconds} seconds, and try again.";
    PageNoRoom { error: String } => "page_no_room", FAILED,
        "There was no place for the file on its way between the page and the journal: {error}.",
        "Make room in the memory of this device, or use the command for it: see amends --help.";
    NotForPages => "not_for_pages", WRONG_USE,
        "A page cannot read or write files on this machine.",
        "There is a command for it: see amends --help.";

    // Other commands on the same journal.
    AlreadyUp => "already_up", FAILED,
        "Amends is up already for this journal.",
        "There is nothing more to do. To stop it: amends down.";
    Busy => "busy", FAILED,
        "Another amends command has this journal open and did not finish in time. Nothing was done.",
        "Wait for it, or stop it, then try again.";
    OtherVersion { theirs: String, ours: String } => "other_version", FAILED,
        "Amends {theirs} has the journal open, and this is {ours}. Nothing was done.",
        "Stop it with: amends down. Then start this one with: amends up.";
    HolderLost => "holder_lost", FAILED,
        "The amends that has the journal open went away before it had answered, so this may be done or not.",
        "Look with amends status, then try again.";
    HolderEnding => "holder_ending", FAILED,
        "The amends that has the journal open is just ending. Nothing was done.",
        "Try again.";
    NotUnderstood => "not_understood", FAILED,
        "The amends that has the journal open did not understand this command. Nothing was done.",
        "It may be of another version: amends down, then amends up.";
    AskedTooMuch { bytes: u64 } => "too_much", FAILED,
        "That is more than {bytes} bytes, too much for one command. Nothing was done.",
        "Write it in several entries.";
    SocketUnusable { path: String, error: String } => "socket_unusable", FAILED,
        "Other commands cannot be let in at {path}: {error}.",
        "Keep the journal on a disk of this machine, with a short path, and name it with --home DIR.";
    BackgroundFailed { error: String } => "background_failed", FAILED,
        "Amends did not come up in the background: {error}.",
        "Run amends up without --background to see why.";

    // Leaving.
    NothingToLeave { dir: String } => "no_journal", FAILED,
        "There is no journal at {dir}, so there is nothing to destroy.",
        "If yours lies elsewhere, name its folder with --home DIR.";
    NobodySaysYes => "nobody_says_yes", WRONG_USE,
        "Leaving destroys the journal on this device and needs a yes, and nobody may be asked for it. Nothing was done.",
        "Run amends leave in a terminal and type yes, or give --json --yes in a script.";
    KeyNotDestroyed { path: String, error: String } => "key_not_destroyed", FAILED,
        "The key of this journal could not be destroyed: {path}: {error}. What else could be removed is removed.",
        "Remove that file yourself, or see that its disk may be written to and run amends leave once more.";
    NotAllRemoved { path: String, error: String } => "not_all_removed", FAILED,
        "The key is destroyed and nothing here can be opened any more, but {path} could not be removed: {error}.",
        "Remove it yourself, or run amends leave once more.";
    StillUnlocked => "still_unlocked", FAILED,
        "An amends that has the journal open did not end in time, so the journal is not locked.",
        "Try again, close its window, or restart this device.";
    StillOpen => "still_open", FAILED,
        "The journal and its key are destroyed on the disk, but an amends that had the journal open did not end in time.",
        "It may know the key and meet your partner until it ends: close its window, or restart this device.";

    // The journal.
    NotPaired => "not_paired", NOT_PAIRED,
        "This journal has no partner yet.",
        "On one device: amends pair. On the other: amends pair --join.";
    UnknownId { id: String } => "unknown_id", FAILED,
        "There is nothing with the id {id}.",
        "See everything with its id: amends timeline.";
    OtherKind { id: String, found: String, wanted: String } => "other_kind", RULE,
        "{id} is a {found}, not a {wanted}. Nothing was done.",
        "See all of a kind with: amends {wanted} list.";
    UnreadEntry { id: String } => "not_readable_yet", RULE,
        "A later version of Amends wrote in {id}, and this one cannot read that yet. It is kept as it is, and nothing was done.",
        "Bring Amends up to date on this device; then it is read by itself.";
    NoSuchVersion { id: String, version: String } => "no_such_version", FAILED,
        "{id} has no version {version}.",
        "See all of its versions with: amends history {id}.";
    ReviewOfChanged { id: String } => "changed_meanwhile", RULE,
        "{id} has newer words that wait for an answer, so there is nothing to keep as it is. Nothing was done.",
        "Agree to them or decline them first: amends boundary show {id}.";
    AmbiguousId { id: String, count: u64 } => "ambiguous_id", FAILED,
        "{count} ids begin with {id}.",
        "Type one or two letters more.";
    TextEmpty => "text_empty", RULE,
        "There are no words in it. Nothing was done.",
        "Say it in a sentence or two.";
    TextTooLong { what: String, length: u64, limit: u64 } => "text_too_long", RULE,
        "The {what} is {length} bytes long; {limit} fit. Nothing was done.",
        "Make it shorter, or write it in several entries.";
    ForbiddenCharacter { what: String, character: String } => "forbidden_character", RULE,
        "The {what} holds the invisible character {character}, which can make it read differently than it is. Nothing was done.",
        "Type it anew, without copying it from elsewhere.";
    BadDate { given: String } => "bad_date", WRONG_USE,
        "{given} is not a date.",
        "Write year, month and day: 2027-03-01.";
    BadLanguage { given: String } => "bad_language", WRONG_USE,
        "{given} is not a language.",
        "Write a language tag such as en, de or pt-BR.";
    NothingChanged => "nothing_changed", RULE,
        "That is what it says already. Nothing was done.",
        "Change a word, or agree to it as it is.";
    NothingInForce { id: String } => "nothing_in_force", RULE,
        "There is no agreement of yours in {id} that could be ended.",
        "To say no to a proposal, say decline in the place of end.";
    TextInForce { id: String } => "in_force", RULE,
        "You both agreed to exactly this text of {id}; it is in force.",
        "To end your agreement, say end in the place of decline.";
    AlreadyAgreed { id: String } => "already_agreed", RULE,
        "You have agreed to exactly this text of {id} already.",
        "Nothing is left to do. See it with: amends history {id}.";
    EntryEnded { id: String } => "entry_ended", RULE,
        "{id} has ended.",
        "Propose a new one.";
    TextMoved { id: String } => "text_moved", RULE,
        "The text of {id} changed while you were reading. Nothing was agreed.",
        "Read it again with: amends history {id}. Then agree to what it says now.";
    ApologyEmpty => "apology_empty", RULE,
        "An apology needs words, and there are none. Nothing was kept.",
        "One sentence is a beginning: amends apology write \"I read your letters.\".";
    ApologyIsDraft { id: String } => "apology_is_draft", RULE,
        "{id} is a draft of yours still, and nobody else has it.",
        "Go on with it: amends apology edit {id}. Give it: amends apology give {id}.";
    ApologyGiven { id: String } => "apology_given", RULE,
        "{id} is given, and what was given stays as it is.",
        "You can add to what you gave. See it with: amends apology list. Then: amends apology add --help.";
    ApologyMoved { id: String } => "apology_moved", RULE,
        "{id} changed while you were reading it. Nothing was given.",
        "Read it again with: amends apology show {id}. Then give what it says now, if you want to.";
    NotYourApology { id: String } => "not_your_apology", RULE,
        "{id} is your partner's apology, and its words are theirs.",
        "You can answer it if and when you want to. See: amends apology answer --help.";
    OwnApology { id: String } => "own_apology", RULE,
        "{id} is your own apology. Whether and how it is answered is your partner's alone.",
        "You can add to it. See: amends apology add --help.";
    NothingToWithdraw { id: String } => "nothing_to_withdraw", RULE,
        "There is no answer of yours to {id} that could be taken back.",
        "See it with: amends apology show {id}.";
    GivingNotAnswered { id: String } => "giving_not_answered", WRONG_USE,
        "There is nobody here to ask whether {id} should be given. Nothing was given.",
        "Where you are sure: amends apology give {id} --yes. From then on it stays as it is.";
    FeelingShared { id: String } => "feeling_shared", RULE,
        "{id} is shared, and what was shared stays as it was.",
        "See what is yours alone with: amends feel list. A feeling may be changed there, and shared anew.";
    FeelingIsDraft { id: String } => "feeling_is_draft", RULE,
        "{id} is a draft that you have not finished. Nothing was shared.",
        "Finish it with: amends feel edit {id}. Then share it, if you still want to.";
    FeelingMoved { id: String } => "feeling_moved", RULE,
        "{id} changed while you were reading it. Nothing was shared.",
        "Read it again with: amends feel show {id}. Then share what it says now, if you want to.";
    SharingNotAnswered { id: String } => "sharing_not_answered", WRONG_USE,
        "There is nobody here to ask whether {id} should be shared. Nothing was shared.",
        "Where you are sure: amends feel share {id} --yes. It cannot be taken back once it has reached your partner's device.";
    UnknownItem { id: String, item: String } => "unknown_item", FAILED,
        "The plan {id} has no step or wish {item}, or more than one.",
        "See their numbers and names with: amends plan show {id}.";
    NothingToUndo { id: String, step: String } => "nothing_to_undo", RULE,
        "You have said nothing of step {step} of {id} that could be taken back.",
        "Each takes back their own word alone. See who said what with: amends plan show {id}.";
    OwnWordConfirmed { id: String, step: String } => "own_word", RULE,
        "You said yourself that step {step} of {id} is done. Nothing was confirmed.",
        "Your partner can confirm it, on their own device.";
    StepNotDone { id: String, step: String } => "step_not_done", RULE,
        "Nobody has said that step {step} of {id} is done as it reads now.",
        "Where it is done, say so with: amends plan done {id} {step}.";
    EntryFull { id: String } => "entry_full", RULE,
        "{id} has grown too long to take more changes.",
        "Propose a new one that says the same in fewer words, and end this one.";
    SpaceLength => "space_length", RULE,
        "A space ends after it is asked for, and within 72 hours. Nothing was done.",
        "Say how long with --for, such as --for 24h, or when it ends with --until. You can ask for another one when it is over.";
    SpaceLasts { until: String } => "space_lasts", RULE,
        "The space that you asked for lasts until {until}, and cannot be made longer. Nothing was done.",
        "Let it end by itself, or end it with: amends space over. Then you can ask for another one.";
    PartnersSpace { partner: String, until: String } => "partners_space", RULE,
        "{partner} asked for this space, and only {partner} can end it sooner. Nothing was done.",
        "It ends by itself on {until}. Ending a boundary, leaving and exporting never wait for it.";
    KeptForSpace { until: String } => "kept_for_space", RULE,
        "That came in the space that you asked for, and is shown when it ends, on {until}.",
        "To end the space sooner: amends space over.";
    NoSpace => "no_space", RULE,
        "No space lasts that could be ended.",
        "See those that there were with: amends space list.";
    NothingToHear { id: String, partner: String } => "nothing_to_hear", RULE,
        "There is no account of {partner}'s in {id} that could be heard yet.",
        "It comes when {partner} has told it and you have met. Look with: amends talk show {id}.";
    NothingHeard { id: String, partner: String } => "nothing_heard", RULE,
        "{partner} has not said yet what they heard in your account in {id}.",
        "There is no hurry. Look with: amends talk show {id}.";
    NothingToKeepBack { id: String } => "nothing_to_keep_back", RULE,
        "There is no account of yours in {id} that waits to be opened.",
        "What is open stays open. Look with: amends talk show {id}.";
    BadSchedule { why: String } => "bad_schedule", RULE,
        "That is no schedule: {why}. Nothing was done.",
        "Let amends write it, as in: amends checkin schedule --days mon,wed,fri --at 19:30 --minutes 20. See amends checkin schedule --help.";
    UnknownZone { zone: String } => "unknown_zone", RULE,
        "No time zone called {zone} is known here. Nothing was done.",
        "Write it as Europe/Berlin or America/New_York, with --zone.";
    NoZone => "no_zone", WRONG_USE,
        "This machine does not say which time zone it is in.",
        "Say which clock is meant, such as --zone Europe/Berlin.";
    NotASession { id: String } => "not_a_session", RULE,
        "{id} is a schedule, and only a session that was held has an outcome. Nothing was done.",
        "See them with: amends checkin list. To change a schedule: amends checkin edit {id}.";
    NothingForCalendar => "nothing_for_calendar", FAILED,
        "There is no time or day that could be put into a calendar.",
        "Agree on a set time first: amends checkin schedule. Days are those of plans, and those on which you look at something again.";
    CalendarExists { path: String } => "calendar_exists", FAILED,
        "{path} is there already. It was left as it is.",
        "Name another file, or write over this one with --force.";
    DateTooFarOff { date: String } => "date_too_far_off", RULE,
        "A calendar cannot hold what belongs to {date}: it is too far off.",
        "Agree on a nearer date with: amends checkin edit.";
    SessionNeedsSomebody => "session_needs_somebody", WRONG_USE,
        "A session needs the two of you at a terminal, and nobody may be asked here.",
        "Run this in a terminal, or keep one that you had with: amends checkin record.";
    OutcomeNotOneLine { limit: u64 } => "outcome_not_one_line", RULE,
        "An outcome is one line of at most {limit} characters. Nothing was done.",
        "Say in a sentence what you take from it. It can be written later, too.";
    RuleSaysNo { why: String } => "rule", RULE,
        "That cannot be done: {why}.",
        "See what the journal holds with: amends timeline.";

    // The disk.
    NotSaved { error: String } => "not_saved", FAILED,
        "This could not be saved: {error}. Nothing was shown or sent.",
        "See that the disk has room and may be written to, then try again.";
    DiskFull => "disk_full", FAILED,
        "The disk is full, so this could not be saved. Nothing was shown or sent.",
        "Make some room, then try again.";
    StoreDamaged { path: String, why: String } => "damaged", DAMAGED,
        "{path} cannot be read: {why}.",
        "Give amends doctor --repair: it makes anew what it can, and your partner's device gives the rest. Nothing was changed.";
    BeyondRepair { path: String } => "beyond_repair", DAMAGED,
        "{path} lost this device's own keys, and nothing else has them.",
        "Come back from a backup: amends backup restore. Else make a new journal, and pair again. What is damaged is kept.";
    RepairWhileUp => "repair_while_up", FAILED,
        "An amends has the journal open, and it cannot be repaired meanwhile.",
        "Give amends down, then amends doctor --repair.";
    RecordsLost { told: String } => "records_lost", FAILED,
        "{told}",
        "Meet: amends sync. What is asked for comes by itself; what had not reached your partner's device comes back from a backup alone.";
    StoreNewer { path: String } => "newer", FAILED,
        "{path} was written by a newer amends.",
        "Install that version here too.";
    StoreForeign { path: String } => "foreign", DAMAGED,
        "{path} does not belong to this vault, or was changed from outside.",
        "Put the whole folder back from one copy, all files of it from the same moment. Nothing was changed.";
    RandomnessFailed => "no_randomness", FAILED,
        "This machine gives no randomness, and without it nothing can be sealed.",
        "Restart the machine. If that does not help, its operating system needs repair.";
    ClockAbsurd { now: String } => "clock", FAILED,
        "This machine's clock says {now}, so devices cannot find each other.",
        "Set the clock, then try again.";

    // The network.
    BadAddress { given: String } => "bad_address", WRONG_USE,
        "{given} is not an address.",
        "Write it as the other device shows it, such as 192.168.1.7:4001 or /ip4/192.168.1.7/tcp/4001.";
    PortTaken { address: String } => "port_taken", FAILED,
        "Another program listens on {address} already.",
        "Name another port with --listen, or leave it out and one that is free is taken.";
    CannotListen { address: String, error: String } => "cannot_listen", FAILED,
        "This device cannot listen on {address}: {error}.",
        "Name an address of this machine with --listen, or leave it out.";
    NoInterface => "no_network", NOT_REACHED,
        "This machine has no network, so the other device cannot be found.",
        "Join the same Wi-Fi or cable as the other device. What you wrote is kept and goes when you meet.";
    ClosedToItself { ip: String } => "port_blocked", NOT_REACHED,
        "A firewall on this machine lets no connection in, not even its own, at {ip}: the other device cannot come in, and perhaps nothing gets out.",
        "In the firewall's settings, allow amends, or fix a port with amends up --listen 4100 and allow TCP port 4100.";
    MulticastBlocked { on: String, how: String, first: String } => "multicast_blocked", NOT_REACHED,
        "Something on this machine, most likely a firewall, blocks multicast (mDNS, UDP port 5353) on {on}, by which devices find each other: {how}.",
        "In the firewall's settings, allow mDNS, or UDP port 5353, on the local network. {first}Until then, name the other device's address: amends sync --peer ADDRESS.";
    VpnAlone { name: String } => "vpn", NOT_REACHED,
        "The only network of this machine is a VPN ({name}), and devices do not look for each other through one.",
        "Join the Wi-Fi or cable that the other device is on, or end the VPN. Where both use this VPN, name the other's address: amends sync --peer ADDRESS.";
    VpnInTheWay { name: String } => "vpn", NOT_REACHED,
        "A VPN ({name}) carries this machine's traffic, and the other device is not seen: many VPNs shut off the network around you.",
        "Allow the local network in the VPN's settings, or pause it, then look again with: amends doctor.";
    ClocksDiffer { partner: String, days: u64, here: String, there: String } => "clocks_differ", NOT_REACHED,
        "The two clocks are {days} days apart: this machine says {here}, {partner}'s device {there}. Devices know each other by the day, so these two do not meet.",
        "Set the clock that is wrong, best to set itself by the network. Then they find each other by themselves.";
    OtherVersionThere { partner: String } => "other_version_there", NOT_REACHED,
        "{partner}'s device answers, but its amends speaks another version of the protocol than this one.",
        "Compare amends --version on both devices, and bring the older one up to date.";
    PortBlocked { partner: String, address: String } => "port_blocked", NOT_REACHED,
        "{partner}'s device is up and was heard from {address}, but no connection to it comes about: a firewall on it, or between you, is closed.",
        "On {partner}'s device, allow amends in the firewall, or fix a port with amends up --listen 4100 and allow TCP port 4100. It may be enough to turn it round: amends up here, amends sync there.";
    OtherDeviceAt { partner: String, address: String } => "other_device", NOT_REACHED,
        "At {address}, where {partner}'s device should be, something else answers: a device of another pair, or another program.",
        "See that the address is right, and that amends is up on {partner}'s device. If {partner} has paired anew since, pair again here too.";
    OtherDevice { partner: String } => "other_device", NOT_REACHED,
        "Other devices were heard on this network, such as one of another pair, but none of them is {partner}'s.",
        "Start amends up on {partner}'s device, on this network. If {partner} has paired anew since, or has another device now, pair again here too.";
    NotRunning { partner: String, address: String } => "not_running", NOT_REACHED,
        "The machine at {address}, where {partner}'s device was last met, is there, but amends is not up on it.",
        "On {partner}'s device: amends up.";
    NoAnswerAt { partner: String, address: String } => "no_answer", NOT_REACHED,
        "{partner}'s device is not heard on this network, and nothing answers at {address}, where it was last met: it is switched off or elsewhere, or a firewall there is closed.",
        "Switch it on, join the same network with both, and start amends up on it.";
    NobodyHeard { partner: String } => "not_seen", NOT_REACHED,
        "{partner}'s device is not heard, and no other device on this network either: amends is not up there, it is on another network, or this network keeps its devices apart.",
        "Start amends up on {partner}'s device, on the same network. Guest networks mostly keep devices apart: use another Wi-Fi, or a phone's. Or name its address: amends sync --peer ADDRESS.";
    NotSeen { partner: String } => "not_seen", NOT_REACHED,
        "{partner}'s device is not heard on this network, where other devices are: amends is not up there, or it is on another network.",
        "Start amends up on {partner}'s device, on the same network. Or name its address: amends sync --peer ADDRESS.";
    ClockBehind { now: String, written: String } => "clock", FAILED,
        "This machine's clock says {now}, but this journal was written on {written}, which is later.",
        "Set the clock, best to set itself by the network. Devices know each other by the day, and do not meet where a clock is wrong.";
    LittleRoom { path: String, mib: u64 } => "little_room", FAILED,
        "The disk of {path} has only {mib} MiB of room left.",
        "Make room before you write more: what does not fit is refused, and nothing of it is kept.";
    SetAside { told: String } => "set_aside", FAILED,
        "{told}",
        "Where your partner's amends is newer than this one, bring this one up to date: then it is read by itself. What is set aside changes nothing in your journal.";
    NotLookedAt { why: String } => "not_looked_at", LOCKED,
        "Not looked at. {why}",
        "Give amends doctor once more with the passphrase.";
    NetworkFailed { error: String } => "network_failed", FAILED,
        "The network could not be used: {error}.",
        "See that this machine is on a network. What you wrote is kept.";
    PartnerNotReached { partner: String, seconds: u64 } => "partner_not_reached", NOT_REACHED,
        "{partner}'s device was not met within {seconds} seconds.",
        "See that amends is up on it and both are on the same network, or name its address with --peer. What you wrote is kept.";
    PartnerParted { partner: String } => "partner_parted", NOT_REACHED,
        "The link to {partner}'s device was cut before both had everything.",
        "Try again: it goes on where it stopped.";
    NotPartner => "not_partner", NOT_REACHED,
        "What answered is not your partner's device.",
        "See that the address is right. If your partner paired anew, pair again too.";

    // Pairing.
    AlreadyPaired { partner: String } => "already_paired", RULE,
        "This journal is paired with {partner} already.",
        "Make another journal for another pair, in a folder of its own: --home DIR.";
    PairingGoesOn => "pairing_goes_on", FAILED,
        "This journal is just being paired in another window.",
        "Finish or stop it there.";
    CodeTooShort => "code_too_short", WRONG_USE,
        "A code has nine digits.",
        "Type it as the other screen shows it, such as 482 913 065.";
    CodeMistyped => "code_mistyped", WRONG_USE,
        "A digit of this code is not right; nothing was tried with it.",
        "Type it once more as the other screen shows it.";
    CodeIncomplete => "code_incomplete", WRONG_USE,
        "A part of the long code is missing.",
        "Copy the whole line that begins with amends1: from the other screen.";
    CodeNotACode => "not_a_code", WRONG_USE,
        "This is not a code.",
        "Type the nine digits, or paste the line that begins with amends1:, as the other screen shows it.";
    CodeUsed => "code_used", FAILED,
        "This code was tried from here already and cannot be tried again.",
        "Use the new code on the other screen.";
    WrongCode => "wrong_code", FAILED,
        "The codes on the two devices were not the same, so this one is used up.",
        "Use the new code that the first screen shows now. If nobody mistyped, somebody else may have tried: look who is near.";
    CodeExpired => "code_expired", FAILED,
        "The code was not used within its five minutes.",
        "Show a new one with: amends pair.";
    TooManyAttempts => "too_many_attempts", FAILED,
        "Ten tries broke off before they had begun, so this code is used up.",
        "Use the new code that the first screen shows now. See that both devices have a good network.";
    SeveralHosts => "several_hosts", FAILED,
        "Several devices nearby show a code now, and it cannot be told which is meant.",
        "Scan or paste the long code from your partner's screen, or name the address it shows with --peer.";
    HostNotFound { seconds: u64 } => "host_not_found", NOT_REACHED,
        "No device that shows a code was found within {seconds} seconds.",
        "See that amends pair runs on the other one and both are on the same network, or name the address it shows with --peer.";
    HostUnreachable { address: String } => "host_unreachable", NOT_REACHED,
        "Nothing answers at {address}.",
        "See that amends pair runs on the other device, and that the address is the one it shows now.";
    NumberDiffers => "number_differs", FAILED,
        "The numbers were not the same, so nothing was kept. Somebody may have come between you.",
        "Pair again, side by side, and let nobody see the code.";
    PartnerSaidNo => "partner_said_no", FAILED,
        "On the other device the number was not confirmed, so nothing was kept.",
        "Talk to each other, then pair again.";
    PairedWithSelf => "paired_with_self", FAILED,
        "That is this same journal. It cannot be paired with itself.",
        "Your partner makes a journal too, on the other device: amends init.";
    PairingBrokeOff => "pairing_broke_off", FAILED,
        "The other device went away before the pairing was done, so nothing was kept.",
        "Try again with the code on the screen now.";
    PairingMalformed => "pairing_malformed", FAILED,
        "What the other device said is no pairing, so nothing was kept.",
        "See that both run the same version of amends, then try again.";
    PairingVersion { theirs: u64 } => "pairing_version", FAILED,
        "The other device pairs by version {theirs}, which this one does not know.",
        "Install the newest amends on both.";
    ThreeWrongCodes => "three_wrong_codes", FAILED,
        "Somebody, or a typing error, used a wrong code three times.",
        "Look who is near, then show a new code with: amends pair.";
    NobodyCompares => "nobody_compares", WRONG_USE,
        "Pairing needs somebody who compares the numbers on both screens, and nobody may be asked.",
        "Leave --no-input out, or give --json --yes if the two devices are compared in another way.";
    PairingTooSlow => "pairing_too_slow", FAILED,
        "The other device took too long, so nothing was kept.",
        "Try again with the code on the screen now.";

    PairUnconfirmed { partner: String } => "pair_unconfirmed", NOT_REACHED,
        "{partner}'s device went away before it had said that it kept the pair.",
        "Meet it once with: amends sync. If it does not know of the pair, pair again: that replaces this.";
    PartnerNotConfirmed { partner: String } => "not_confirmed", NOT_PAIRED,
        "{partner}'s device has not said yet that it kept the pair, so nothing can be written.",
        "Meet it once with: amends sync. If it does not know of the pair, pair again: that replaces this.";
    OlderHome => "older_copy", FAILED,
        "This home is an older copy of itself: the partner's device holds more of what was written here. Nothing was done.",
        "Meet once with: amends sync. What is missing comes back from there; then try again.";

    // Memories and photos.
    IsIdea { id: String } => "is_idea", RULE,
        "{id} is an idea, and has no day on which it could come up again.",
        "See what is a memory with: amends memory list.";
    IsNoIdea { id: String } => "is_no_idea", RULE,
        "{id} is a memory: it was done already.",
        "See what is an idea with: amends memory list.";
    UnknownPhoto { id: String, photo: u64 } => "unknown_photo", FAILED,
        "The memory {id} has no photo {photo}.",
        "See its photos with: amends memory show {id}.";
    PhotoOfPartner { id: String, photo: u64 } => "photo_of_partner", RULE,
        "Photo {photo} of {id} was added by your partner, who alone can take it back.",
        "Speak with them about it, or write to them: amends rocky.";
    MemoryFull { id: String } => "memory_full", RULE,
        "The photos of one memory may have 128 MiB together, and these would be more ({id}). Nothing was added.",
        "Make them smaller, or keep them as two memories.";
    PhotoUnreadable { path: String, error: String } => "photo_unreadable", FAILED,
        "{path} could not be read: {error}. Nothing was added.",
        "See that the name is right and that it is a plain file, then try again.";
    PhotoTooLarge { path: String } => "photo_too_large", RULE,
        "{path} is larger than 25 MiB. Nothing was added.",
        "Save it smaller, as a JPEG for example, then try again.";
    PhotoTooManyPixels { path: String, width: u32, height: u32 } => "photo_too_many_pixels", RULE,
        "{path} has {width} times {height} pixels, more than can be shown safely. Nothing was added.",
        "Make it smaller, then try again.";
    PhotoNotCleanable { path: String, format: String } => "photo_not_cleanable", RULE,
        "{path} is no JPEG, PNG or WebP (format: {format}), so what tells where and with what it was taken cannot be removed. Nothing was added.",
        "Save it as one of these and try again. Or add it with everything that it tells: --keep-as-it-is.";
    PhotoDamaged { path: String } => "photo_damaged", FAILED,
        "{path} is empty, cut short or damaged. Nothing was added.",
        "See whether it can still be opened, save it anew, then try again.";
    PhotoNotHere { id: String, photo: u64, here: u64, of: u64 } => "photo_not_here", FAILED,
        "{here} of {of} pieces of photo {photo} of {id} are here. Nothing was written.",
        "The rest comes when you meet: amends sync, or amends up on both.";
    PhotoLost { id: String, photo: u64 } => "photo_lost", DAMAGED,
        "Photo {photo} of {id} cannot be opened: it is not what was put there.",
        "Ask whoever added it to add it once more.";
    PhotoFileThere { path: String } => "file_exists", FAILED,
        "{path} is there already. It was left as it is.",
        "Name another file.";
    PhotoInsideHome { path: String } => "photo_place", WRONG_USE,
        "{path} lies in the folder of the journal, where no other file belongs. Nothing was written.",
        "Name a file elsewhere.";
    PhotoNotWritten { path: String, error: String } => "photo_not_written", FAILED,
        "{path} could not be written: {error}. No half photo was left there.",
        "See that there is room and that you may write there, then try again.";

    // Bundles.
    BundleExists { path: String } => "bundle_exists", FAILED,
        "{path} is there already. It was left as it is.",
        "Name another file, or write over this one with --force.";
    BundleInsideHome { path: String } => "bundle_place", WRONG_USE,
        "{path} lies in the folder of the journal, where no other file belongs. Nothing was written.",
        "Name a file elsewhere, on a stick for example.";
    BundleNotWritten { path: String, error: String } => "bundle_not_written", FAILED,
        "{path} could not be written: {error}. No half bundle was left there.",
        "See that there is room and that you may write there, then try again.";
    BundleUnreadable { path: String, error: String } => "bundle_unreadable", FAILED,
        "{path} could not be read: {error}.",
        "See that the name is right and the stick is in, then try again. What came before is kept.";
    BundleNotAFile { path: String } => "bundle_not_a_file", FAILED,
        "{path} is not a plain file.",
        "Name the file that amends bundle write made on the other device.";
    NotABundle { path: String } => "not_a_bundle", FAILED,
        "{path} is not a bundle.",
        "Name the file that amends bundle write made on the other device.";
    BundleNewer { path: String } => "bundle_newer", FAILED,
        "{path} was written by a newer amends.",
        "Install that version here too.";
    BundleForeign { path: String } => "bundle_foreign", FAILED,
        "Nothing in {path} is of this pair, or it was changed on the way. Nothing of it was taken.",
        "Ask your partner which file is meant, and have it written once more if this is the one.";
    BundleCutShort { path: String, received: u64 } => "bundle_cut_short", FAILED,
        "{path} breaks off before its end. What was whole in it was taken, and {received} of its records are new here.",
        "Copy the file once more from where it was written, then read it again: that does no harm.";
    BundleDamaged { path: String, received: u64 } => "bundle_damaged", FAILED,
        "{path} was changed on the way. What was whole in it was taken, and {received} of its records are new here.",
        "Copy the file once more from where it was written, then read it again: that does no harm.";
    BundleInterrupted { path: String } => "bundle_interrupted", FAILED,
        "Something could not be saved while {path} was read. What came before that is kept.",
        "Read it again: that does no harm.";

    // Backups.
    BackupExists { path: String } => "backup_exists", FAILED,
        "{path} is there already. It was left as it is.",
        "Name another file, or write over this one with --force.";
    BackupInsideHome { path: String } => "backup_place", WRONG_USE,
        "{path} lies in the folder of the journal, and would be lost with it. Nothing was written.",
        "Name a file elsewhere, on another disk best of all.";
    BackupNotWritten { path: String, error: String } => "backup_not_written", FAILED,
        "{path} could not be written: {error}. No half backup was left there.",
        "See that there is room and that you may write there, then try again.";
    BackupUnreadable { path: String, error: String } => "backup_unreadable", FAILED,
        "{path} could not be read: {error}.",
        "See that the name is right and the stick is in, then try again.";
    NotABackup { path: String } => "not_a_backup", FAILED,
        "{path} is not a backup.",
        "Name the file that amends backup write made.";
    BackupNewer { path: String } => "backup_newer", FAILED,
        "{path} was written by a newer amends.",
        "Install that version here too.";
    BackupDamaged { path: String } => "backup_damaged", DAMAGED,
        "{path} is not whole: it was changed or cut short. Nothing of it was taken.",
        "Take another copy of it, or an older backup. While the journal is there, write a new one.";
    CopiedTooOften => "copied_too_often", FAILED,
        "This home came back from backups and copies so often that no further key of it can be begun. Nothing was done.",
        "Pair again with your partner: amends pair. What is here stays to read until then; amends export keeps it.";

    // What is handed on.
    ExportNotAnswered => "export_not_answered", WRONG_USE,
        "There is nobody here to ask whether everything should be written in the clear. Nothing was written.",
        "Where you are sure: amends export --to DIR --yes.";
    ExportNotEmpty { path: String } => "export_not_empty", FAILED,
        "{path} is there and is no empty folder. It was left as it is.",
        "Name a new folder.";
    CalendarInsideHome { path: String } => "calendar_place", WRONG_USE,
        "{path} lies in the folder of the journal, where no other file belongs. Nothing was written.",
        "Name a file elsewhere, or - for standard output.";
    ExportInsideHome { path: String } => "export_place", WRONG_USE,
        "{path} lies in the folder of the journal, where no other file belongs. Nothing was written.",
        "Name a folder elsewhere, on a stick for example.";
    ExportNotWritten { path: String, error: String } => "export_not_written", FAILED,
        "{path} could not be written: {error}. No half export was left there.",
        "See that there is room and that you may write there, then try again. Where a stick is mounted, name a new folder on it.";
    ExportLeft { path: String, error: String, left: String } => "export_left", FAILED,
        "{path} could not be written: {error}. What was written until then lies in {left}, in the clear, and could not be removed.",
        "Remove it yourself.";

    // Packets for a counselor.
    PacketEmpty => "packet_empty", RULE,
        "A list must name an entry. Nothing was done.",
        "To end your agreement to it: amends packet end.";
    PacketTooLong { limit: u64 } => "packet_too_long", RULE,
        "A list names {limit} entries at most. Nothing was done.",
        "Make two of it.";
    PacketPrivate { id: String } => "packet_private", RULE,
        "{id} is private and cannot be in a packet. Nothing was done.",
        "A feeling can be shared first, as a copy: amends feel share {id}.";
    PacketOfPackets { id: String } => "packet_of_packets", RULE,
        "{id} is a packet itself, and a packet names other entries. Nothing was done.",
        "Name the entries that are on its list: amends packet show {id}.";
    PacketWithout { id: String } => "packet_without", RULE,
        "{id} names no entry of this list, or more than one. Nothing was done.",
        "See what is on it with: amends packet show.";
    PacketUnreadable { id: String } => "packet_unreadable", RULE,
        "The words of {id} are no list of entries, as when both changed it at once or another program wrote it. Nothing was done.",
        "Look at it with: amends packet show {id}. Then begin a new one with: amends packet new.";
    PacketNotHere { id: String, entries: String } => "packet_not_here", RULE,
        "{id} names what is not here: {entries}. Nothing was done.",
        "Meet your partner first, with: amends sync. If it stays so, take it off the list: amends packet remove {id}.";
    PacketChanged { id: String, entries: String, again: String } => "packet_changed", RULE,
        "Since they were put on the list of {id}, these have changed: {entries}. A changed list is a new one, so nothing was done.",
        "Take them as they stand now: amends packet add {id} {again}. Then both agree to it anew.";
    PacketNotAgreed { id: String } => "packet_not_agreed", RULE,
        "You have not both agreed to {id} as it stands now. Nothing was written.",
        "See who has with: amends packet show {id}. To agree: amends packet agree {id}.";
    PacketNeedsReader => "packet_needs_reader", WRONG_USE,
        "Nobody is named who can open the file, and no passphrase can be asked for here. Nothing was written.",
        "Name somebody with --recipient age1…, or give --packet-passphrase-file FILE.";
    PacketFileExists { path: String } => "packet_file_exists", FAILED,
        "{path} is there already. It was left as it is.",
        "Name another file, or write over this one with --force.";
    PacketNotWritten { path: String, error: String } => "packet_not_written", FAILED,
        "{path} could not be written: {error}. Nothing new was left there.",
        "See that there is room and that you may write there, then try again.";
    RecipientSecret => "recipient_secret", WRONG_USE,
        "That is a secret identity, not a recipient. Nothing was written.",
        "Whoever sees it opens their files: remove the line from your shell's history, and ask for what begins with age1.";
    RecipientOtherKind { given: String } => "recipient_kind", WRONG_USE,
        "{given} is a kind of recipient that is not known here.",
        "Ask for one that age-keygen makes; it begins with age1.";
    RecipientMistyped { given: String } => "recipient_mistyped", WRONG_USE,
        "{given} is no recipient, or is mistyped.",
        "Copy it whole; it begins with age1.";
    RecipientOpen { given: String } => "recipient_open", WRONG_USE,
        "{given} is a recipient whose secret everybody knows. Nothing was written.",
        "Ask again for the recipient, and be careful with who gave you this one.";

    // Never the person's fault.
    Internal { what: String } => "internal", FAILED,
        "Amends made a mistake: {what}. What you wrote before is safe.",
        "Please report it, without any text from your journal.";
}

#[cfg(test)]
mod tests;
