use super::*;
use data_encoding::HEXLOWER;

const JOURNAL: JournalId = JournalId([7; 32]);

fn key() -> BlobKey {
    BlobKey::from_bytes(&[8; 32])
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn sealed(blob: &[u8]) -> Vec<Vec<u8>> {
    let seal = |(index, plain): (usize, &[u8])| {
        let salt = [index as u8; 24];
        seal_chunk(
            &key(),
            &JOURNAL,
            salt,
            blob.len() as u64,
            index as u32,
            plain,
        )
        .unwrap()
    };
    blob.chunks(CHUNK as usize).enumerate().map(seal).collect()
}

fn open(length: u64, index: u32, sealed: &[u8]) -> Result<Vec<u8>, ChunkError> {
    open_chunk(&key(), &JOURNAL, length, index, sealed).map(|plain| plain.to_vec())
}

#[test]
fn a_blob_comes_back_as_it_was() {
    let whole = CHUNK as usize;
    for length in [1, 255, 256, 257, whole - 1, whole, whole + 1, 3 * whole + 5] {
        let blob = bytes(length);
        let chunks = sealed(&blob);
        assert_eq!(Some(chunks.len()), chunks_of(length as u64));
        let mut back = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            assert_eq!(
                sealed_chunk_len(length as u64, index as u32),
                Ok(chunk.len())
            );
            assert!(chunk.len() <= MAX_SEALED_CHUNK);
            back.extend(open(length as u64, index as u32, chunk).unwrap());
        }
        assert!(back == blob, "{length} bytes");
    }
}

#[test]
fn sizes_are_bounded() {
    assert_eq!(chunks_of(0), None);
    assert_eq!(chunks_of(MAX_BLOB), Some(MAX_CHUNKS));
    assert_eq!(chunks_of(MAX_BLOB + 1), None);
    assert_eq!(chunks_of(u64::MAX), None);
    for (length, index, len) in [
        (0, 0, 0),
        (1, 1, 1),
        (2, 0, 1),
        (MAX_BLOB + 1, 0, CHUNK as usize),
        (MAX_BLOB, MAX_CHUNKS as u32, 1),
        (u64::MAX, u32::MAX, 1),
    ] {
        assert_eq!(
            seal_chunk(&key(), &JOURNAL, [0; 24], length, index, &vec![0; len]),
            Err(NoSuchChunk { length, index })
        );
    }
    // A length tells no more of a short blob than of another short one.
    assert_eq!(sealed(&bytes(1))[0].len(), sealed(&bytes(256))[0].len());
}

#[test]
fn no_chunk_opens_in_another_s_place() {
    let blob = bytes(3 * CHUNK as usize);
    let length = blob.len() as u64;
    let chunks = sealed(&blob);
    assert_eq!(open(length, 1, &chunks[0]), Err(ChunkError::Forged));
    assert_eq!(open(length, 0, &chunks[2]), Err(ChunkError::Forged));
    // Of a blob that ends elsewhere.
    assert_eq!(open(length - 1, 0, &chunks[0]), Err(ChunkError::Forged));
    assert_eq!(open(length + CHUNK, 0, &chunks[0]), Err(ChunkError::Forged));
    let size = chunks[2].len();
    assert!(matches!(
        open(length - 9000, 2, &chunks[2]),
        Err(ChunkError::Size { size: found, .. }) if found == size
    ));
    assert!(matches!(
        open(length, 3, &chunks[2]),
        Err(ChunkError::NoSuchChunk(_))
    ));
    // Of another journal, and under another key.
    let other = JournalId([70; 32]);
    assert_eq!(
        open_chunk(&key(), &other, length, 0, &chunks[0]),
        Err(ChunkError::Forged)
    );
    let other = BlobKey::from_bytes(&[80; 32]);
    assert_eq!(
        open_chunk(&other, &JOURNAL, length, 0, &chunks[0]),
        Err(ChunkError::OtherKey)
    );
}

#[test]
fn no_changed_byte_and_no_cut_is_taken() {
    let chunk = sealed(&bytes(300)).remove(0);
    for at in 0..chunk.len() {
        let mut changed = chunk.clone();
        changed[at] ^= 1;
        assert!(open(300, 0, &changed).is_err(), "byte {at}");
        assert!(open(300, 0, &chunk[..at]).is_err(), "{at} bytes");
    }
    assert!(open(300, 0, &[&chunk[..], &[0]].concat()).is_err());
}

#[test]
fn what_fills_a_chunk_up_is_zeros() {
    let seal = |plain: &[u8]| {
        FORM.seal(&[], &[9; 24], &[8; 32], &bound(&JOURNAL, 3, 0), plain)
            .ok()
            .unwrap()
    };
    let mut plain = vec![0; 256];
    plain[..3].copy_from_slice(b"abc");
    assert_eq!(open(3, 0, &seal(&plain)), Ok(b"abc".to_vec()));
    plain[255] = 1;
    assert_eq!(open(3, 0, &seal(&plain)), Err(ChunkError::Padding));
}

#[test]
fn another_version_is_told_by_name() {
    let mut chunk = sealed(b"abc").remove(0);
    chunk[4] = 2;
    assert_eq!(open(3, 0, &chunk), Err(ChunkError::Version(2)));
    chunk[4..6].copy_from_slice(&[1, 9]);
    assert_eq!(open(3, 0, &chunk), Err(ChunkError::Suite(9)));
    chunk[0] = b'a';
    assert_eq!(open(3, 0, &chunk), Err(ChunkError::NotAChunk));
}

/// The file was made by another program, from the text of PROTOCOL.
#[test]
fn the_bytes_are_those_of_the_vectors() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/blob.json")).unwrap();
    let hex = |value: &serde_json::Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes());
    let fixed = |value: &serde_json::Value| <[u8; 32]>::try_from(hex(value).unwrap()).unwrap();
    let key = BlobKey::from_bytes(&fixed(&file["key"]));
    let journal = JournalId(fixed(&file["journal"]));
    // The blob's byte i is i mod 251.
    let length = file["length"].as_u64().unwrap();
    let blob = bytes(length as usize);
    let chunks = file["chunks"].as_array().unwrap();
    assert_eq!(Some(chunks.len()), chunks_of(length));
    for ((index, plain), vector) in blob.chunks(CHUNK as usize).enumerate().zip(chunks) {
        let salt = hex(&vector["salt"]).unwrap().try_into().unwrap();
        let chunk = seal_chunk(&key, &journal, salt, length, index as u32, plain).unwrap();
        assert_eq!(chunk.len() as u64, vector["size"].as_u64().unwrap());
        assert_eq!(chunk[..62], hex(&vector["header"]).unwrap()[..]);
        assert_eq!(chunk[chunk.len() - 16..], hex(&vector["tag"]).unwrap()[..]);
        assert_eq!(chunk_name(&chunk), fixed(&vector["name"]));
        assert_eq!(
            *open_chunk(&key, &journal, length, index as u32, &chunk).unwrap(),
            plain
        );
    }
}
