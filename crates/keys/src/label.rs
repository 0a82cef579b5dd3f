//! Every label under which a key is derived or a hash is taken, in one place, so that no two uses
//! can share one unnoticed (a test compares them all). Sections are those of `docs/PROTOCOL.md`.

/// Section 1: names the protocol in CPace's channel identifier.
pub const PAIR: &[u8] = b"amends/pair/v1";
/// Section 1: the transcript before any message.
pub const PAIR_TRANSCRIPT: &[u8] = b"amends/pair/v1 transcript";
/// Section 1: key of the joiner's confirmation tag.
pub const PAIR_CONFIRM_JOINER: &[u8] = b"amends/pair/v1 confirm joiner";
/// Section 1: key of the host's confirmation tag.
pub const PAIR_CONFIRM_HOST: &[u8] = b"amends/pair/v1 confirm host";
/// Section 1: seals the joiner's bundle in M3.
pub const PAIR_SEAL_JOINER: &[u8] = b"amends/pair/v1 seal joiner";
/// Section 1: seals the host's bundle in M4.
pub const PAIR_SEAL_HOST: &[u8] = b"amends/pair/v1 seal host";
/// Section 1: the host's commitment to its bundle in M2.
pub const PAIR_COMMIT: &[u8] = b"amends/pair/v1 commit";
/// Section 1: the root of everything that the pair derives later.
pub const PAIR_ROOT: &[u8] = b"amends/pair/v1 pair root";
/// Section 1: key of the joiner's finish in M5.
pub const PAIR_FINISH_JOINER: &[u8] = b"amends/pair/v1 finish joiner";
/// Section 1: key of the host's finish in M6.
pub const PAIR_FINISH_HOST: &[u8] = b"amends/pair/v1 finish host";
/// Section 1: seals the journal's id and first epoch secret in M6.
pub const PAIR_SEAL_SPACE: &[u8] = b"amends/pair/v1 seal space";
/// Section 1: the six-digit number.
pub const PAIR_SAS: &[u8] = b"amends/pair/v1 sas";
/// Section 1, local: what the joiner keeps of a code it must not try again.
pub const CODE_MEMORY: &[u8] = b"amends/pair/v1 code memory";

/// Section 1, from the pair root: the key of section 5's identities of the day.
pub const DISCOVERY: &[u8] = b"amends/v1 discovery";
/// Section 1, from the pair root: libp2p's pre-shared key.
pub const PNET: &[u8] = b"amends/v1 pnet";
/// Section 1, from the pair root: the psk of section 2's sessions.
pub const SESSION_PSK: &[u8] = b"amends/v1 session psk";
/// Section 5: a device's libp2p identity of the day.
pub const PEER_ID: &[u8] = b"amends/v1 peerid";
/// `docs/decisions/0061-the-port-of-the-day.md`: where a device listens on one day.
pub const PORT: &[u8] = b"amends/v1 port";

/// Section 2: begins the prologue of a session.
pub const SESSION: &[u8] = b"amends/sess/v1";

/// Section 3: begins every record.
pub const RECORD: &[u8] = b"amends/rec/v1";
/// Section 3: begins what a record's hash is taken over.
pub const RECORD_HASH: &[u8] = b"amends/rechash/v1";
/// Section 3: begins what a log's Automerge actor is taken from.
pub const ACTOR: &[u8] = b"amends/actor/v1";
/// Section 3: a device's first log vouches for the log of a new incarnation (docs/decisions/0037).
pub const INCARNATION: &[u8] = b"amends/incarnation/v1";

/// Section 4: key and commitment of an envelope.
pub const ENVELOPE: &[u8] = b"amends/env/v1 key|commit";

/// `docs/decisions/0012-bundles.md`: begins what the clock of a bundle is signed over.
pub const BUNDLE_CLOCK: &[u8] = b"amends/bundle/v1 clock";
/// `docs/decisions/0012-bundles.md`: key and commitment of a bundle's clock.
pub const BUNDLE_SEAL: &[u8] = b"amends/bundle/v1 key|commit";

/// Section 3: key and commitment of a blob's chunk.
pub const BLOB: &[u8] = b"amends/blob/v1 key|commit";

/// Section 7, local: key and commitment of a passphrase slot.
pub const VAULT_SLOT: &[u8] = b"amends/vault/v1 key|commit";
/// Section 7, local: key and commitment of a kit slot.
pub const KIT_SLOT: &[u8] = b"amends/vault/v1 kit key|commit";
/// Section 7, local: keeps the kit itself for who has opened the vault.
pub const KIT_KEPT: &[u8] = b"amends/vault/v1 kit kept";
/// A vault slot under the secret that the system's keyring holds.
pub const KEYRING_SLOT: &[u8] = b"amends/vault/v1 keyring key|commit";
/// That secret, kept in its slot for who has opened the vault.
pub const KEYRING_KEPT: &[u8] = b"amends/vault/v1 keyring kept";
/// Section 7, local: the key of backups.
pub const BACKUP: &[u8] = b"amends/vault/v1 backup";
/// Section 7: key and commitment of one backup.
pub const BACKUP_SEAL: &[u8] = b"amends/backup/v1 key|commit";
/// Section 7, local: the store of the journal.
pub const STORE_JOURNAL: &[u8] = b"amends/vault/v1 journal store";
/// Section 7, local: the private store.
pub const STORE_PRIVATE: &[u8] = b"amends/vault/v1 private store";

/// All of them, for the test that no two are equal.
pub const ALL: &[&[u8]] = &[
    PAIR,
    PAIR_TRANSCRIPT,
    PAIR_CONFIRM_JOINER,
    PAIR_CONFIRM_HOST,
    PAIR_SEAL_JOINER,
    PAIR_SEAL_HOST,
    PAIR_COMMIT,
    PAIR_ROOT,
    PAIR_FINISH_JOINER,
    PAIR_FINISH_HOST,
    PAIR_SEAL_SPACE,
    PAIR_SAS,
    CODE_MEMORY,
    DISCOVERY,
    PNET,
    SESSION_PSK,
    PEER_ID,
    PORT,
    SESSION,
    RECORD,
    RECORD_HASH,
    ACTOR,
    INCARNATION,
    ENVELOPE,
    BUNDLE_CLOCK,
    BUNDLE_SEAL,
    BLOB,
    VAULT_SLOT,
    KIT_SLOT,
    KIT_KEPT,
    KEYRING_SLOT,
    KEYRING_KEPT,
    BACKUP,
    BACKUP_SEAL,
    STORE_JOURNAL,
    STORE_PRIVATE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_uses_share_a_label_and_the_list_is_whole() {
        assert_eq!(ALL.iter().collect::<BTreeSet<_>>().len(), ALL.len());
        let declared = include_str!("label.rs").matches("&[u8] = b\"").count();
        assert_eq!(declared, ALL.len(), "a label is missing from ALL");
    }
}
