//! What plain bytes lack: seals and checksums, made here by hand from the protocol's letters and from nothing of
//! `amends-keys`, so that one mistake does not hide the other.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// Randomness that is the same at every run.
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// `ChaCha20-Poly1305(key, nonce 0^12, aad, plain)`.
pub fn aead(key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    ChaCha20Poly1305::new(key.into())
        .encrypt(&Nonce::default(), Payload { msg: plain, aad })
        .unwrap()
}

/// A kind of sealed bytes (PROTOCOL section 4).
pub struct Form<'a> {
    pub magic: &'a [u8; 4],
    pub middle: &'a [u8],
    pub label: &'a [u8],
    pub bound: &'a [u8],
}

/// Seals whatever it is given, padded or not.
pub fn seal(form: &Form<'_>, secret: &[u8; 32], salt: &[u8; 24], plain: &[u8]) -> Vec<u8> {
    let mut both = [0; 64];
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(form.label, &mut both)
        .unwrap();
    let key: &[u8; 32] = both.first_chunk().unwrap();
    let header = [form.magic, &[1, 1][..], form.middle, salt, &both[32..]].concat();
    let ct = aead(key, &[&header[..], form.bound].concat(), plain);
    [header, ct].concat()
}

/// The bytes that an attacker changed: pairs of where (two bytes) and what to add to it.
pub fn altered(honest: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= change[2];
        }
    }
    bytes
}

/// A first byte and the rest.
pub fn first(input: &[u8]) -> Option<(u8, &[u8])> {
    input.split_first().map(|(first, rest)| (*first, rest))
}

/// An Automerge chunk of this type with the checksum that belongs to it (see `crates/journal/src/wall/chunk.rs`).
pub fn automerge_chunk(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    let mut left = content.len();
    while left >= 0x80 {
        hashed.push(left as u8 | 0x80);
        left >>= 7;
    }
    hashed.push(left as u8);
    hashed.extend_from_slice(content);
    let hash = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &hashed].concat()
}

/// The content of such a chunk.
pub fn content(chunk: &[u8]) -> &[u8] {
    let length = chunk[9..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &chunk[9 + length..]
}

/// The words of a text that may be in a corpus as bytes.
pub fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
