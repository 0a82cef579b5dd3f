//! One changed byte of a vault's file, found by the SHA-256 at its end (`docs/decisions/0084`).

use sha2::{Digest, Sha256};

use super::{CHECK, Vault};

/// Longer than any vault of this version, which has three slots at most; what is longer is not tried, since the time grows with the
/// square of it.
const MENDED_BYTES: usize = 1024;

/// A file of which one byte was changed since it was written, put right. None where it is whole, and where no one byte makes a
/// vault of it: the check at its end is of all bytes before it, so what is given back is what was written.
#[must_use]
pub fn mended(file: &[u8]) -> Option<Vec<u8>> {
    if file.len() > MENDED_BYTES || Vault::parse(file).is_ok() {
        return None;
    }
    let (checked, check) = file.split_last_chunk::<CHECK>()?;
    let right = |at: usize, byte: u8| -> Option<Vec<u8>> {
        let mut right = file.to_vec();
        *right.get_mut(at)? = byte;
        Vault::parse(&right).is_ok().then_some(right)
    };
    // A byte of the check itself.
    let is = <[u8; CHECK]>::from(Sha256::digest(checked));
    let mut others = (0..)
        .zip(is.iter().zip(check))
        .filter(|(_, (is, said))| is != said);
    if let (Some((at, (is, _))), None) = (others.next(), others.next()) {
        return right(checked.len().checked_add(at)?, *is);
    }
    let mut before = Sha256::new();
    for (at, byte) in checked.iter().enumerate() {
        let (_, after) = checked.split_at_checked(at.checked_add(1)?)?;
        for other in (0..=u8::MAX).filter(|other| other != byte) {
            let whole = before.clone().chain_update([other]).chain_update(after);
            if whole.finalize()[..] == check[..] {
                return right(at, other);
            }
        }
        before.update([*byte]);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Cost;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn any_one_byte_is_put_right_and_no_two_are() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let (mut vault, key) = Vault::create("correct horse", Cost::LEAST, &mut rng).unwrap();
        vault.make_kit(&key, &mut rng);
        vault.make_keyring(&key, &mut rng);
        let whole = vault.to_bytes();
        assert!(whole.len() <= MENDED_BYTES, "{}", whole.len());
        assert_eq!(mended(&whole), None);
        let changed = |at: usize, bits: u8| {
            let mut changed = whole.clone();
            changed[at] ^= bits;
            changed
        };
        // The first bytes, those of each slot's head, some of each slot, and some of the check.
        let ends = [whole.len() - 32, whole.len() - 1];
        for at in (0..12).chain((12..whole.len()).step_by(41)).chain(ends) {
            for bits in [1, 0x80, 0xff] {
                assert_eq!(
                    mended(&changed(at, bits)).as_ref(),
                    Some(&whole),
                    "byte {at}"
                );
            }
        }
        let mut two = changed(20, 1);
        two[200] ^= 4;
        assert_eq!(mended(&two), None);
        assert_eq!(mended(&whole[..whole.len() - 1]), None);
        assert_eq!(mended(b""), None);
        assert_eq!(mended(&[7; MENDED_BYTES + 1]), None);
    }

    /// A vault with one slot that a later version would know, of this many bytes.
    fn of_bytes(len: usize) -> Vec<u8> {
        let body = len - (4 + 1 + 1 + 1 + 4 + CHECK);
        let mut file = [&b"AMNV\x01\x01\x09"[..], &(body as u32).to_be_bytes()].concat();
        file.resize(len - CHECK, 5);
        let check: [u8; CHECK] = Sha256::digest(&file).into();
        file.extend_from_slice(&check);
        file
    }

    #[test]
    fn what_is_longer_than_a_vault_of_this_version_is_not_tried() {
        for (len, is_mended) in [(MENDED_BYTES, true), (MENDED_BYTES + 1, false)] {
            let whole = of_bytes(len);
            assert!(Vault::parse(&whole).is_ok());
            let mut changed = whole.clone();
            changed[40] ^= 1;
            assert_eq!(mended(&changed), is_mended.then_some(whole), "{len}");
        }
    }
}
