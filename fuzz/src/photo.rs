//! Photos: files of other programs.

use amends::photo;

use super::mend;
use super::word;

/// How a picture begins, whose letters the fuzzer need not find.
const BEGINNINGS: [&[u8]; 5] = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"",
];

/// A first byte says how the picture begins: as it is (0), as a JPEG, a PNG (of which the checksums are mended) or a WebP
/// (of which the length is), or as it is and to be kept on purpose (4).
pub fn taken(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let which = usize::from(which) % BEGINNINGS.len();
    let mut bytes = BEGINNINGS[which].to_vec();
    bytes.extend_from_slice(rest);
    match which {
        2 => mend_png(&mut bytes),
        3 => {
            let length = u32::try_from(bytes.len().saturating_sub(8)).unwrap();
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
        }
        _ => {}
    }
    let length = bytes.len();
    let picture = match photo::take(bytes, which == 4) {
        Ok(picture) => picture,
        Err(error) => return word(&error),
    };
    if picture.kept_on_purpose {
        return "kept on purpose".into();
    }
    let (width, height) = picture.size.unwrap();
    assert!(u64::from(width) * u64::from(height) <= photo::PIXELS);
    // What is put in again is the orientation alone.
    assert!(picture.bytes.len() <= length + 128, "it grew");
    let again = photo::take(picture.bytes.clone(), false).expect("what is taken is a picture");
    assert_eq!(
        again.bytes, picture.bytes,
        "it was not clean after one time"
    );
    assert_eq!(again.size, picture.size);
    picture.mime.into()
}

/// Gives every chunk the checksum that belongs to it (PNG, 5.3).
fn mend_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(end) = at.checked_add(8 + len) else {
            return;
        };
        let Some(checked) = bytes.get(at + 4..end) else {
            return;
        };
        let sum = crc(checked).to_be_bytes();
        let Some(place) = bytes.get_mut(end..end + 4) else {
            return;
        };
        place.copy_from_slice(&sum);
        at = end + 4;
    }
}

/// CRC-32 (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

pub fn photo_seeds() -> Vec<Vec<u8>> {
    let files: [&[u8]; 12] = [
        include_bytes!("../../tests/photos/phone.jpg"),
        include_bytes!("../../tests/photos/makernote.jpg"),
        include_bytes!("../../tests/photos/two.jpg"),
        include_bytes!("../../tests/photos/progressive.jpg"),
        include_bytes!("../../tests/photos/cmyk.jpg"),
        include_bytes!("../../tests/photos/palette.png"),
        include_bytes!("../../tests/photos/notes.png"),
        include_bytes!("../../tests/photos/animated.png"),
        include_bytes!("../../tests/photos/simple.webp"),
        include_bytes!("../../tests/photos/lossless.webp"),
        include_bytes!("../../tests/photos/notes.webp"),
        include_bytes!("../../tests/photos/animated.webp"),
    ];
    let mut seeds = vec![
        [&[0], &b"GIF89a"[..]].concat(),
        vec![4, 1, 2, 3],
        vec![1],
        vec![0],
    ];
    for file in files.into_iter().filter(|file| file.len() < 4095) {
        seeds.push([&[0], file].concat());
        let begins = |which: usize| file.starts_with(&BEGINNINGS[which][..3]);
        if let Some(which) = (1..4).find(|which| begins(*which)) {
            seeds.push([&[which as u8], &file[BEGINNINGS[which].len()..]].concat());
        }
    }
    seeds
}
