//! Every sentence that is said when something fails, laid beside the file in which it was last agreed on.

use amends_replica::Mended;

use super::*;

/// One of each.
fn every_advice() -> Vec<Advice> {
    use Advice as A;
    vec![
        A::WrongUse {
            message: "unexpected argument '--colour' found".to_owned(),
            hint: "See amends --help.".to_owned(),
        },
        A::NoPlaceForHome,
        A::NothingTyped,
        A::NoGuide,
        A::NoEditor,
        A::EditorFailed {
            editor: "vi".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::NoSafePlaceForText,
        A::InputNotText,
        A::InputUnreadable {
            error: "permission denied".to_owned(),
        },
        A::OutputFailed {
            error: "permission denied".to_owned(),
        },
        A::NotAPlace {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::Stopped,
        A::StoppedTooLate {
            partner: "Bo".to_owned(),
        },
        A::Interrupted,
        A::SaidNo,
        A::NoJournal {
            dir: "/home/ana/amends".to_owned(),
        },
        A::HomeNotAFolder {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::HomeNotOurs {
            dir: "/home/ana/amends".to_owned(),
        },
        A::HomeOfAnother {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::FolderTooOpen {
            path: "/home/ana/journal.db".to_owned(),
            mode: "755".to_owned(),
        },
        A::FileTooOpen {
            path: "/home/ana/journal.db".to_owned(),
            mode: "755".to_owned(),
        },
        A::HomeNotAFile {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::HomeIncomplete {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::HomeUnusable {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::JournalExists {
            dir: "/home/ana/amends".to_owned(),
        },
        A::FolderOccupied {
            dir: "/home/ana/amends".to_owned(),
        },
        A::FolderIsMount {
            dir: "/home/ana/amends".to_owned(),
        },
        A::CannotMakeHome {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::BadName {
            why: "it is empty".to_owned(),
        },
        A::NoPassphrase,
        A::NoTerminal,
        A::PassphraseFile {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::EmptyPassphrase,
        A::PassphrasesDiffer,
        A::WrongPassphrase,
        A::NoMemory { mib: 256 },
        A::PassphraseTooLong { limit: 262_144 },
        A::VaultDamaged {
            path: "/home/ana/journal.db".to_owned(),
            why: "it is empty".to_owned(),
        },
        A::VaultFailed {
            why: "it is empty".to_owned(),
        },
        A::VaultMeanwhile,
        A::VaultNotReplaced {
            path: "/home/ana/amends/vault.new".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::NoKeyring {
            why: "there is none on this system that amends knows".to_owned(),
        },
        A::NoKit,
        A::NotAKit {
            why: "word 7 is none of the list".to_owned(),
        },
        A::OtherKit,
        A::KitDiffers { number: 7 },
        A::KitFile {
            path: "/media/stick/kit".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::KitNotWritten {
            path: "/media/stick/kit".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::KitNeedsAPlace,
        A::KitNeedsWords,
        A::PageCannotListen {
            error: "permission denied".to_owned(),
        },
        A::PageForeign,
        A::PageToken,
        A::PageLocked,
        A::PageWait { seconds: 30 },
        A::PageNoRoom {
            error: "no space left on device".to_owned(),
        },
        A::NotForPages,
        A::AlreadyUp,
        A::Busy,
        A::OtherVersion {
            theirs: "0.2.0".to_owned(),
            ours: "0.1.0".to_owned(),
        },
        A::HolderLost,
        A::HolderEnding,
        A::NotUnderstood,
        A::AskedTooMuch { bytes: 2_097_152 },
        A::SocketUnusable {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::BackgroundFailed {
            error: "permission denied".to_owned(),
        },
        A::NothingToLeave {
            dir: "/home/ana/amends".to_owned(),
        },
        A::NobodySaysYes,
        A::KeyNotDestroyed {
            path: "/home/ana/vault".to_owned(),
            error: "the disk is read-only".to_owned(),
        },
        A::NotAllRemoved {
            path: "/home/ana/journal.db".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::StillUnlocked,
        A::StillOpen,
        A::NotPaired,
        A::UnknownId {
            id: "lusab".to_owned(),
        },
        A::OtherKind {
            id: "lusab".to_owned(),
            found: "lesson".to_owned(),
            wanted: "boundary".to_owned(),
        },
        A::UnreadEntry {
            id: "lusab".to_owned(),
        },
        A::NoSuchVersion {
            id: "lusab".to_owned(),
            version: "9".to_owned(),
        },
        A::ReviewOfChanged {
            id: "lusab".to_owned(),
        },
        A::AmbiguousId {
            id: "lusab".to_owned(),
            count: 2,
        },
        A::TextEmpty,
        A::TextTooLong {
            what: "title".to_owned(),
            length: 300_000,
            limit: 262_144,
        },
        A::ForbiddenCharacter {
            what: "title".to_owned(),
            character: "U+202E".to_owned(),
        },
        A::BadDate {
            given: "soon".to_owned(),
        },
        A::BadLanguage {
            given: "soon".to_owned(),
        },
        A::NothingChanged,
        A::NothingInForce {
            id: "lusab".to_owned(),
        },
        A::TextInForce {
            id: "lusab".to_owned(),
        },
        A::AlreadyAgreed {
            id: "lusab".to_owned(),
        },
        A::EntryEnded {
            id: "lusab".to_owned(),
        },
        A::TextMoved {
            id: "lusab".to_owned(),
        },
        A::ApologyEmpty,
        A::ApologyIsDraft {
            id: "lusab".to_owned(),
        },
        A::ApologyGiven {
            id: "lusab".to_owned(),
        },
        A::ApologyMoved {
            id: "lusab".to_owned(),
        },
        A::NotYourApology {
            id: "lusab".to_owned(),
        },
        A::OwnApology {
            id: "lusab".to_owned(),
        },
        A::NothingToWithdraw {
            id: "lusab".to_owned(),
        },
        A::GivingNotAnswered {
            id: "lusab".to_owned(),
        },
        A::FeelingShared {
            id: "lusab".to_owned(),
        },
        A::FeelingIsDraft {
            id: "lusab".to_owned(),
        },
        A::FeelingMoved {
            id: "lusab".to_owned(),
        },
        A::SharingNotAnswered {
            id: "lusab".to_owned(),
        },
        A::UnknownItem {
            id: "lusab".to_owned(),
            item: "7".to_owned(),
        },
        A::NothingToUndo {
            id: "lusab".to_owned(),
            step: "1".to_owned(),
        },
        A::OwnWordConfirmed {
            id: "lusab".to_owned(),
            step: "1".to_owned(),
        },
        A::StepNotDone {
            id: "lusab".to_owned(),
            step: "1".to_owned(),
        },
        A::EntryFull {
            id: "lusab".to_owned(),
        },
        A::SpaceLength,
        A::SpaceLasts {
            until: "24 Nov 2026, 18:00".to_owned(),
        },
        A::PartnersSpace {
            partner: "Bo".to_owned(),
            until: "24 Nov 2026, 18:00".to_owned(),
        },
        A::KeptForSpace {
            until: "24 Nov 2026, 18:00".to_owned(),
        },
        A::NoSpace,
        A::NothingToHear {
            id: "lusab".to_owned(),
            partner: "Bo".to_owned(),
        },
        A::NothingHeard {
            id: "lusab".to_owned(),
            partner: "Bo".to_owned(),
        },
        A::NothingToKeepBack {
            id: "lusab".to_owned(),
        },
        A::BadSchedule {
            why: "step 2 has no day".to_owned(),
        },
        A::UnknownZone {
            zone: "Europe/Bern".to_owned(),
        },
        A::NoZone,
        A::NotASession {
            id: "lusab".to_owned(),
        },
        A::NothingForCalendar,
        A::CalendarExists {
            path: "/home/ana/together.ics".to_owned(),
        },
        A::DateTooFarOff {
            date: "9999-12-31".to_owned(),
        },
        A::SessionNeedsSomebody,
        A::OutcomeNotOneLine { limit: 500 },
        A::RuleSaysNo {
            why: "it is empty".to_owned(),
        },
        A::NotSaved {
            error: "permission denied".to_owned(),
        },
        A::DiskFull,
        A::StoreDamaged {
            path: "/home/ana/journal.db".to_owned(),
            why: "it is empty".to_owned(),
        },
        A::BeyondRepair {
            path: "/home/ana/amends/journal.db".to_owned(),
        },
        A::RepairWhileUp,
        A::RecordsLost {
            told: records_lost(2),
        },
        A::StoreNewer {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::StoreForeign {
            path: "/home/ana/journal.db".to_owned(),
        },
        A::RandomnessFailed,
        A::ClockAbsurd {
            now: "1970-01-01".to_owned(),
        },
        A::BadAddress {
            given: "soon".to_owned(),
        },
        A::PortTaken {
            address: "0.0.0.0:4001".to_owned(),
        },
        A::CannotListen {
            address: "0.0.0.0:4001".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::NoInterface,
        A::ClosedToItself {
            ip: "192.168.1.5".to_owned(),
        },
        A::MulticastBlocked {
            on: "wlan0".to_owned(),
            how: "this machine does not hear its own question".to_owned(),
            first: "Here: sudo ufw allow 5353/udp. ".to_owned(),
        },
        A::VpnAlone {
            name: "tun0".to_owned(),
        },
        A::VpnInTheWay {
            name: "tun0".to_owned(),
        },
        A::ClocksDiffer {
            partner: "Bo".to_owned(),
            days: 3,
            here: "22 Nov 2026".to_owned(),
            there: "25 Nov 2026".to_owned(),
        },
        A::OtherVersionThere {
            partner: "Bo".to_owned(),
        },
        A::PortBlocked {
            partner: "Bo".to_owned(),
            address: "192.168.1.5:4100".to_owned(),
        },
        A::OtherDeviceAt {
            partner: "Bo".to_owned(),
            address: "192.168.1.5:4100".to_owned(),
        },
        A::OtherDevice {
            partner: "Bo".to_owned(),
        },
        A::NotRunning {
            partner: "Bo".to_owned(),
            address: "192.168.1.5:4100".to_owned(),
        },
        A::NoAnswerAt {
            partner: "Bo".to_owned(),
            address: "192.168.1.5:4100".to_owned(),
        },
        A::NobodyHeard {
            partner: "Bo".to_owned(),
        },
        A::NotSeen {
            partner: "Bo".to_owned(),
        },
        A::ClockBehind {
            now: "2024-11-22T14:03:00Z".to_owned(),
            written: "2026-11-22T14:03:00Z".to_owned(),
        },
        A::LittleRoom {
            path: "/home/ana/amends".to_owned(),
            mib: 3,
        },
        A::SetAside {
            told: set_aside_more(2),
        },
        A::NotLookedAt {
            why: "The journal is locked and nobody may be asked for its passphrase.".to_owned(),
        },
        A::NetworkFailed {
            error: "permission denied".to_owned(),
        },
        A::PartnerNotReached {
            partner: "Bo".to_owned(),
            seconds: 30,
        },
        A::PartnerParted {
            partner: "Bo".to_owned(),
        },
        A::NotPartner,
        A::AlreadyPaired {
            partner: "Bo".to_owned(),
        },
        A::PairingGoesOn,
        A::CodeTooShort,
        A::CodeMistyped,
        A::CodeIncomplete,
        A::CodeNotACode,
        A::CodeUsed,
        A::WrongCode,
        A::CodeExpired,
        A::TooManyAttempts,
        A::SeveralHosts,
        A::HostNotFound { seconds: 30 },
        A::HostUnreachable {
            address: "0.0.0.0:4001".to_owned(),
        },
        A::NumberDiffers,
        A::PartnerSaidNo,
        A::PairedWithSelf,
        A::PairingBrokeOff,
        A::PairingMalformed,
        A::PairingVersion { theirs: 2 },
        A::ThreeWrongCodes,
        A::NobodyCompares,
        A::PairingTooSlow,
        A::PairUnconfirmed {
            partner: "Bo".to_owned(),
        },
        A::PartnerNotConfirmed {
            partner: "Bo".to_owned(),
        },
        A::OlderHome,
        A::IsIdea {
            id: "lusab".to_owned(),
        },
        A::IsNoIdea {
            id: "lusab".to_owned(),
        },
        A::UnknownPhoto {
            id: "lusab".to_owned(),
            photo: 2,
        },
        A::PhotoOfPartner {
            id: "lusab".to_owned(),
            photo: 2,
        },
        A::MemoryFull {
            id: "lusab".to_owned(),
        },
        A::PhotoUnreadable {
            path: "/home/ana/boat.jpg".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::PhotoTooLarge {
            path: "/home/ana/boat.jpg".to_owned(),
        },
        A::PhotoTooManyPixels {
            path: "/home/ana/boat.jpg".to_owned(),
            width: 30_000,
            height: 20_000,
        },
        A::PhotoNotCleanable {
            path: "/home/ana/boat.heic".to_owned(),
            format: "HEIC".to_owned(),
        },
        A::PhotoDamaged {
            path: "/home/ana/boat.jpg".to_owned(),
        },
        A::PhotoNotHere {
            id: "lusab".to_owned(),
            photo: 1,
            here: 3,
            of: 24,
        },
        A::PhotoLost {
            id: "lusab".to_owned(),
            photo: 1,
        },
        A::PhotoFileThere {
            path: "/home/ana/boat.jpg".to_owned(),
        },
        A::PhotoInsideHome {
            path: "/home/ana/amends/boat.jpg".to_owned(),
        },
        A::PhotoNotWritten {
            path: "/home/ana/boat.jpg".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::BundleExists {
            path: "/media/stick/for-bo.amends".to_owned(),
        },
        A::BundleInsideHome {
            path: "/home/ana/amends/for-bo.amends".to_owned(),
        },
        A::BundleNotWritten {
            path: "/media/stick/for-bo.amends".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::BundleUnreadable {
            path: "/media/stick/for-bo.amends".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::BundleNotAFile {
            path: "/media/stick".to_owned(),
        },
        A::NotABundle {
            path: "/media/stick/holiday.jpg".to_owned(),
        },
        A::BundleNewer {
            path: "/media/stick/for-bo.amends".to_owned(),
        },
        A::BundleForeign {
            path: "/media/stick/for-bo.amends".to_owned(),
        },
        A::BundleCutShort {
            path: "/media/stick/for-bo.amends".to_owned(),
            received: 3,
        },
        A::BundleDamaged {
            path: "/media/stick/for-bo.amends".to_owned(),
            received: 3,
        },
        A::BundleInterrupted {
            path: "/media/stick/for-bo.amends".to_owned(),
        },
        A::BackupExists {
            path: "/media/stick/ana.backup".to_owned(),
        },
        A::BackupInsideHome {
            path: "/home/ana/amends/ana.backup".to_owned(),
        },
        A::BackupNotWritten {
            path: "/media/stick/ana.backup".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::BackupUnreadable {
            path: "/media/stick/ana.backup".to_owned(),
            error: "permission denied".to_owned(),
        },
        A::NotABackup {
            path: "/media/stick/ana.backup".to_owned(),
        },
        A::BackupNewer {
            path: "/media/stick/ana.backup".to_owned(),
        },
        A::BackupDamaged {
            path: "/media/stick/ana.backup".to_owned(),
        },
        A::CopiedTooOften,
        A::ExportNotAnswered,
        A::ExportNotEmpty {
            path: "/media/stick/my-journal".to_owned(),
        },
        A::CalendarInsideHome {
            path: "/home/ana/amends/together.ics".to_owned(),
        },
        A::ExportInsideHome {
            path: "/home/ana/amends/my-journal".to_owned(),
        },
        A::ExportNotWritten {
            path: "/media/stick/my-journal".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::ExportLeft {
            path: "/media/stick/my-journal".to_owned(),
            error: "the disk is full".to_owned(),
            left: "/media/stick/.amends-export-7".to_owned(),
        },
        A::PacketEmpty,
        A::PacketTooLong { limit: 1000 },
        A::PacketPrivate {
            id: "lusab".to_owned(),
        },
        A::PacketOfPackets {
            id: "mudof".to_owned(),
        },
        A::PacketWithout {
            id: "lusab".to_owned(),
        },
        A::PacketUnreadable {
            id: "mudof".to_owned(),
        },
        A::PacketNotHere {
            id: "mudof".to_owned(),
            entries: "lusab-babad, tibup-zujah".to_owned(),
        },
        A::PacketChanged {
            id: "mudof".to_owned(),
            entries: "lusab-babad, tibup-zujah".to_owned(),
            again: "lusab-babad tibup-zujah".to_owned(),
        },
        A::PacketNotAgreed {
            id: "mudof".to_owned(),
        },
        A::PacketNeedsReader,
        A::PacketFileExists {
            path: "/media/stick/packet.zip.age".to_owned(),
        },
        A::PacketNotWritten {
            path: "/media/stick/packet.zip.age".to_owned(),
            error: "the disk is full".to_owned(),
        },
        A::RecipientSecret,
        A::RecipientOtherKind {
            given: "ssh-ed25519".to_owned(),
        },
        A::RecipientMistyped {
            given: "age1weber".to_owned(),
        },
        A::RecipientOpen {
            given: "age1qqqq".to_owned(),
        },
        A::Internal {
            what: "title".to_owned(),
        },
    ]
}

#[test]
fn every_sentence_is_as_it_was_agreed() {
    let mut said = String::new();
    for advice in every_advice() {
        let Failure {
            code,
            exit,
            message,
            hint,
        } = advice.into();
        said.push_str(&format!("[{code}, exit {exit}]\n{message}\n{hint}\n\n"));
    }
    for remark in [
        OLDER_COPY.to_owned(),
        GIVEN_BACK.to_owned(),
        FORK.to_owned(),
        PARTNER_WENT_BACK.to_owned(),
        IS_COPY.to_owned(),
        BEGAN_ANEW.to_owned(),
        OTHER_COPY.to_owned(),
        partner_began("Bo"),
        carried(&["lusab".to_owned(), "dubov".to_owned()]),
        agree_anew(&["lusab".to_owned()]),
        left_behind(2),
        set_aside(None, 7, &[], ""),
        set_aside(
            Some("Bo"),
            7,
            &["lusab".to_owned(), "dubov".to_owned()],
            "entries of kind 3 with schema 9 are not known to this version",
        ),
        set_aside(Some("Bo"), 7, &[], "step 2: reason"),
        set_aside(Some("Bo"), 7, &[], "step 4: reason"),
        set_aside(
            Some("Bo"),
            7,
            &["lusab".to_owned()],
            "step 4: it follows a change that is not here",
        ),
        set_aside(Some("Bo"), 7, &[], "step 5: reason"),
        set_aside(Some("Bo"), 7, &[], "step 6: reason"),
        records_lost(1),
        records_lost(2),
        vault_mended("/home/ana/amends/vault"),
        mended("/home/ana/amends/journal.db", None, false),
        mended(
            "/home/ana/amends/journal.db",
            Some(&Mended {
                made: 1,
                asked: 2,
                gone: 1,
                pieces: 2,
                begins_anew: true,
            }),
            true,
        ),
        set_aside_more(1),
        set_aside_more(2),
        refused("reason"),
        bundle_waiting(1),
        bundle_waiting(2),
        bundle_refused(1, "reason"),
        bundle_refused(2, "reason"),
        older(true).to_owned(),
        older(false).to_owned(),
        UNREAD.to_owned(),
        export_unfinished("/media/stick/.amends-export-7"),
        BUNDLE_OWN.to_owned(),
        BUNDLE_OLDER.to_owned(),
        BUNDLE_OLDER_COPY.to_owned(),
    ] {
        said.push_str(&format!("[remark]\n{remark}\n\n"));
    }
    let agreed = include_str!("sentences.txt");
    if said != agreed {
        // What is said now, ready to be read, judged and put in the file's place.
        let place = std::env::temp_dir().join("amends-sentences.txt");
        std::fs::write(&place, &said).unwrap();
        let differs = said
            .lines()
            .zip(agreed.lines())
            .find(|(now, then)| now != then);
        panic!(
            "the sentences changed, first here: {differs:?}; all of them as they are now: {}",
            place.display()
        );
    }
}

#[test]
fn none_is_left_out() {
    let codes: Vec<String> = every_advice()
        .into_iter()
        .map(|advice| Failure::from(advice).code)
        .collect();
    assert_eq!(
        codes,
        Advice::CODES,
        "a new sentence belongs into every_advice, at its place"
    );
}

#[test]
fn each_says_what_failed_and_then_what_to_do() {
    for advice in every_advice() {
        let failure = Failure::from(advice);
        for sentence in [&failure.message, &failure.hint] {
            assert!(
                sentence.ends_with('.')
                    || sentence.contains("amends ")
                    || matches!(failure.code.as_str(), "wrong_use"),
                "{sentence}"
            );
            assert!(
                !sentence.contains('{') && !sentence.contains("  "),
                "{sentence}"
            );
        }
        assert!((1..=7).contains(&failure.exit));
        assert!(
            failure
                .code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'_')
        );
        assert_eq!(
            exit_of(&failure.code),
            failure.exit,
            "one code has one exit code: {}",
            failure.code
        );
    }
    assert_eq!(exit_of("from a newer version"), FAILED);
}
