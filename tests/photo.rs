//! Photos as cameras and programs write them (`tests/photos/`): what is left behind, what is kept, and what is refused.
//! Read again by others: `kamadak-exif` for what is said, `image` for the pixels.

use std::io::Cursor;
use std::path::Path;
use std::time::Instant;

use amends::photo::{BYTES, Photo, PhotoFault, take};
use exif::{In, Tag};
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, ImageDecoder};

const PLACE: &str = "the place where it was taken";
const CAMERA: &str = "camera data (EXIF)";
const THUMBNAIL: &str = "a small copy of the picture";
const XMP: &str = "notes of programs (XMP)";
const IPTC: &str = "captions and names (IPTC)";
const TEXT: &str = "comments";
const DATE: &str = "the date of its last change";
const PICTURES: &str = "a list of further pictures";
const AFTER: &str = "what stood after its end";
const OTHER: &str = "data that no viewer needs";

/// What the pictures say somewhere, and no cleaned one may.
const SECRETS: [&[u8]; 14] = [
    b"SECRET",
    b"secret",
    b"Ana",
    b"Beispiel",
    b"Berlin",
    b"Kamerawerk",
    b"4711",
    b"Fernblick",
    b"2026",
    b"mp42",
    b"http",
    b"GPS",
    b"Photoshop",
    b"MPF",
];

/// A picture, what must be said to be removed from it, and its orientation.
type Case = (&'static str, &'static str, &'static [&'static str], u32);

const CASES: [Case; 13] = [
    (
        "phone.jpg",
        "image/jpeg",
        &[PLACE, CAMERA, THUMBNAIL, XMP, IPTC, TEXT, AFTER],
        6,
    ),
    ("makernote.jpg", "image/jpeg", &[PLACE, CAMERA], 3),
    (
        "two.jpg",
        "image/jpeg",
        &[PLACE, CAMERA, PICTURES, AFTER],
        1,
    ),
    ("progressive.jpg", "image/jpeg", &[XMP, TEXT, OTHER], 1),
    ("cmyk.jpg", "image/jpeg", &[CAMERA], 1),
    (
        "notes.png",
        "image/png",
        &[PLACE, CAMERA, XMP, TEXT, DATE, AFTER, OTHER],
        8,
    ),
    ("palette.png", "image/png", &[], 1),
    ("animated.png", "image/png", &[], 1),
    (
        "notes.webp",
        "image/webp",
        &[PLACE, CAMERA, XMP, AFTER, OTHER],
        6,
    ),
    ("lossless.webp", "image/webp", &[PLACE, CAMERA], 1),
    ("simple.webp", "image/webp", &[], 1),
    ("animated.webp", "image/webp", &[PLACE, CAMERA, OTHER], 1),
    ("bare.jpg", "image/jpeg", &[THUMBNAIL], 1),
];

fn read(name: &str) -> Vec<u8> {
    if name == "bare.jpg" {
        return with_jfxx(&read("cleaned:makernote.jpg"));
    }
    if let Some(name) = name.strip_prefix("cleaned:") {
        return take(read(name), false).unwrap().bytes;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/photos")
        .join(name);
    std::fs::read(path).unwrap()
}

/// The same JPEG with a thumbnail in JFIF's own extension, and without its EXIF, so that it is upright.
fn with_jfxx(jpeg: &[u8]) -> Vec<u8> {
    let exif = find(jpeg, b"Exif\0\0").unwrap() - 4;
    let length = usize::from(u16::from_be_bytes([jpeg[exif + 2], jpeg[exif + 3]]));
    let jfxx = b"\xff\xe0\x00\x0dJFXX\0\x13\x01\x01SEC";
    [&jpeg[..exif], jfxx, &jpeg[exif + 2 + length..]].concat()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Every frame's pixels, and the colour profile.
fn pixels(mime: &str, bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    fn one(mut decoder: impl ImageDecoder) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
        let profile = decoder.icc_profile().unwrap();
        let mut out = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut out).unwrap();
        (vec![out], profile)
    }
    fn all<'a>(decoder: impl AnimationDecoder<'a>) -> Vec<Vec<u8>> {
        decoder
            .into_frames()
            .map(|frame| frame.unwrap().into_buffer().into_raw())
            .collect()
    }
    let reader = Cursor::new(bytes);
    match mime {
        "image/jpeg" => one(JpegDecoder::new(reader).unwrap()),
        "image/png" => {
            let decoder = PngDecoder::new(reader.clone()).unwrap();
            if decoder.is_apng().unwrap() {
                return (all(decoder.apng().unwrap()), None);
            }
            one(decoder)
        }
        "image/webp" => {
            let decoder = WebPDecoder::new(reader).unwrap();
            if decoder.has_animation() {
                return (all(decoder), None);
            }
            one(decoder)
        }
        other => panic!("{other}"),
    }
}

/// What another program reads of the EXIF: the number of fields, and the orientation.
fn said(bytes: &[u8]) -> (usize, u32) {
    match exif::Reader::new().read_from_container(&mut Cursor::new(bytes)) {
        Ok(exif) => {
            let orientation = exif.get_field(Tag::Orientation, In::PRIMARY);
            let orientation = orientation.map_or(1, |field| field.value.get_uint(0).unwrap());
            (exif.fields().len(), orientation)
        }
        Err(exif::Error::NotFound(_)) => (0, 1),
        Err(error) => panic!("{error}"),
    }
}

fn clean(name: &str) -> (Vec<u8>, Photo) {
    let before = read(name);
    let photo = take(before.clone(), false).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    (before, photo)
}

#[test]
fn nothing_of_place_camera_or_people_is_left() {
    let mut seen = [false; SECRETS.len()];
    for (name, mime, removed, orientation) in CASES {
        let (before, photo) = clean(name);
        assert_eq!((photo.mime, photo.kept_on_purpose), (mime, false), "{name}");
        assert_eq!(photo.removed, removed, "{name}");
        for (secret, seen) in SECRETS.iter().zip(&mut seen) {
            *seen |= find(&before, secret).is_some();
            assert_eq!(
                find(&photo.bytes, secret),
                None,
                "{name}: {}",
                String::from_utf8_lossy(secret)
            );
        }
        // Orientation alone, and that only where it is not upright.
        let (fields, kept) = said(&photo.bytes);
        assert_eq!(
            (fields, kept),
            (usize::from(orientation != 1), orientation),
            "{name}"
        );
        assert_eq!(said(&before).1, orientation, "{name}");
    }
    // Else the search above could not fail. `GPS` is a name of tags, and stands in no file.
    let unseen: Vec<_> = SECRETS
        .iter()
        .zip(seen)
        .filter(|(_, seen)| !seen)
        .map(|(secret, _)| *secret)
        .collect();
    assert_eq!(unseen, Vec::<&[u8]>::new());
}

#[test]
fn pixels_and_colours_are_those_that_came() {
    for (name, mime, ..) in CASES {
        let (before, photo) = clean(name);
        let (frames, profile) = pixels(mime, &before);
        assert_eq!(
            pixels(mime, &photo.bytes),
            (frames.clone(), profile.clone()),
            "{name}"
        );
        assert_eq!(
            frames.len(),
            if name.starts_with("animated") { 2 } else { 1 },
            "{name}"
        );
        let with_profile = ["phone.jpg", "notes.png", "notes.webp"].contains(&name);
        assert_eq!(profile.is_some(), with_profile, "{name}");
        assert_eq!(photo.size, Some((48, 32)), "{name}");
    }
}

#[test]
fn a_cleaned_picture_is_taken_as_it_is() {
    for (name, ..) in CASES {
        let (_, photo) = clean(name);
        let again = take(photo.bytes.clone(), false).unwrap();
        assert_eq!(again.removed, Vec::<&str>::new(), "{name}");
        assert!(again.bytes == photo.bytes, "{name}");
    }
}

#[test]
fn every_orientation_stays() {
    for name in ["phone.jpg", "notes.png", "notes.webp"] {
        let before = read(name);
        // The tag, its type, one value of two bytes, in the byte order that exiftool writes.
        let at = find(&before, b"\x01\x12\x00\x03\x00\x00\x00\x01\x00").unwrap() + 9;
        for orientation in 1..=8 {
            let mut turned = before.clone();
            turned[at] = orientation;
            if name.ends_with("png") {
                repair(&mut turned);
            }
            let photo = take(turned, false).unwrap();
            assert_eq!(said(&photo.bytes).1, u32::from(orientation), "{name}");
        }
    }
}

/// Makes the sums of a PNG's chunks right again: the crate that reads them writes them.
fn repair(png: &mut [u8]) {
    let mut at = 8;
    while png.len() > at + 12 && &png[at + 4..at + 8] != b"IEND" {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let kind: [u8; 4] = png[at + 4..at + 8].try_into().unwrap();
        let contents = img_parts::Bytes::copy_from_slice(&png[at + 8..at + 8 + length]);
        let chunk = img_parts::png::PngChunk::new(kind, contents)
            .encoder()
            .bytes();
        png[at..at + 12 + length].copy_from_slice(&chunk);
        at += 12 + length;
    }
}

#[test]
fn a_picture_that_is_cut_short_is_refused() {
    for (name, ..) in CASES {
        let (_, photo) = clean(name);
        for length in 0..photo.bytes.len() {
            let cut = take(photo.bytes[..length].to_vec(), false);
            assert!(
                matches!(
                    cut,
                    Err(PhotoFault::Damaged(_) | PhotoFault::Unsupported(None))
                ),
                "{name} cut to {length}: {cut:?}"
            );
        }
    }
}

#[test]
fn no_damage_makes_it_panic() {
    for (name, ..) in CASES {
        let before = read(name);
        for at in 0..before.len() {
            for change in [0x00, 0x01, 0xd9] {
                let mut damaged = before.clone();
                damaged[at] = if change == 0x01 {
                    damaged[at] ^ 1
                } else {
                    change
                };
                if let Ok(photo) = take(damaged, false) {
                    assert!(!photo.kept_on_purpose);
                    // What comes out can be taken again.
                    let again = take(photo.bytes.clone(), false);
                    assert!(
                        again.is_ok_and(|again| again.bytes == photo.bytes),
                        "{name}, byte {at}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_cleaned_is_refused_or_kept_on_purpose() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
    for (bytes, format, mime) in [
        (read("other.gif"), Some("GIF"), "image/gif"),
        (read("other.tiff"), Some("TIFF"), "image/tiff"),
        (read("other.avif"), Some("AVIF"), "image/avif"),
        (read("other.bmp"), Some("BMP"), "image/bmp"),
        (read("other.pdf"), Some("PDF"), "application/pdf"),
        (heic, Some("HEIC"), "image/heic"),
        (svg, Some("SVG"), "image/svg+xml"),
        (
            b"whatever this is".to_vec(),
            None,
            "application/octet-stream",
        ),
        (Vec::new(), None, "application/octet-stream"),
    ] {
        assert_eq!(
            take(bytes.clone(), false),
            Err(PhotoFault::Unsupported(format))
        );
        let kept = take(bytes.clone(), true).unwrap();
        let expected = Photo {
            bytes,
            mime,
            removed: Vec::new(),
            kept_on_purpose: true,
            size: None,
        };
        assert_eq!(kept, expected);
    }
    // What can be cleaned is, also then; and what is damaged is not kept for that.
    let phone = take(read("phone.jpg"), true).unwrap();
    assert_eq!((phone.kept_on_purpose, phone.removed.len()), (false, 7));
    assert_eq!(
        take(b"\xff\xd8\xff\xe0".to_vec(), true),
        Err(PhotoFault::Damaged("JPEG"))
    );
    assert_eq!(
        take(vec![0; BYTES + 1], true),
        Err(PhotoFault::TooLarge(BYTES + 1))
    );
}

/// `head`, then `piece` again and again up to the most bytes that are taken, `tail` at the end.
fn filled(head: &[u8], piece: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    while out.len() + piece.len() + tail.len() <= BYTES {
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(tail);
    out
}

#[test]
fn bombs_are_refused_or_done_with_in_time() {
    let chunk = |kind: &[u8; 4], contents: &'static [u8]| {
        img_parts::png::PngChunk::new(*kind, contents.into())
            .encoder()
            .bytes()
    };
    let signature = b"\x89PNG\r\n\x1a\n";
    let huge = chunk(b"IHDR", b"\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\0\0\0");
    let small = chunk(b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0");
    let (idat, iend) = (chunk(b"IDAT", b""), chunk(b"IEND", b""));
    let jpeg = read("cleaned:makernote.jpg");
    let scan = find(&jpeg, b"\xff\xda").unwrap();
    let as_riff = |chunks: Vec<u8>| {
        let length = (chunks.len() as u32 + 4).to_le_bytes();
        [b"RIFF", &length[..], b"WEBP", &chunks].concat()
    };
    let mut crowded = filled(&read("simple.webp")[12..], b"abcd\0\0\0\0", b"");
    crowded.truncate(crowded.len() - 16);
    let mut shrinking = Vec::new();
    for depth in (0..1_000_000_u32).rev() {
        shrinking.extend_from_slice(b"seqt");
        shrinking.extend_from_slice(&(8 * depth).to_le_bytes());
    }
    for (what, bytes, expected) in [
        (
            "a picture of more pixels than there are",
            [signature, &huge[..], &idat, &iend].concat(),
            Err(PhotoFault::TooManyPixels {
                width: 0x7fff_ffff,
                height: 0x7fff_ffff,
            }),
        ),
        (
            "chunks of nothing",
            filled(&[signature, &small[..]].concat(), &idat, &iend),
            Err(PhotoFault::Damaged("PNG")),
        ),
        (
            "segments of nothing",
            filled(&jpeg[..2], b"\xff\xe1\0\x02", &jpeg[2..]),
            Err(PhotoFault::Damaged("JPEG")),
        ),
        (
            "segments of little",
            filled(
                &jpeg[..2],
                &[b"\xff\xe1\0\x20", &[7; 30][..]].concat(),
                &jpeg[2..],
            ),
            Ok(()),
        ),
        (
            "filling bytes",
            filled(&jpeg[..2], b"\xff", &jpeg[2..]),
            Ok(()),
        ),
        (
            "scans",
            filled(&jpeg[..scan], &jpeg[scan..jpeg.len() - 2], b"\xff\xd9"),
            Err(PhotoFault::Damaged("JPEG")),
        ),
        (
            "a scan without end",
            filled(&jpeg[..jpeg.len() - 2], b"\xff\0", b""),
            Err(PhotoFault::Damaged("JPEG")),
        ),
        (
            "lists in lists",
            as_riff(shrinking),
            Err(PhotoFault::Damaged("WebP")),
        ),
        ("chunks of nothing in a list", as_riff(crowded), Ok(())),
    ] {
        assert!(bytes.len() <= BYTES, "{what}");
        let begun = Instant::now();
        assert_eq!(take(bytes, false).map(|_| ()), expected, "{what}");
        // Far above what it takes unoptimised, far below what anything quadratic would.
        assert!(
            begun.elapsed().as_secs() < 60,
            "{what}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn exif_that_leads_everywhere_is_not_followed() {
    // 64 KiB: a directory of pointers to further directories, each with thousands of entries over the same bytes.
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend_from_slice(&2500_u16.to_be_bytes());
    for n in 0..2500_u32 {
        tiff.extend_from_slice(b"\x88\x25\0\x04\0\0\0\x01");
        tiff.extend_from_slice(&(30_100 + n).to_be_bytes());
    }
    tiff.resize(65_000, 0x0a);
    let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    let jpeg = read("cleaned:two.jpg");
    let bytes = [
        &jpeg[..2],
        b"\xff\xe1",
        &length,
        b"Exif\0\0",
        &tiff,
        &jpeg[2..],
    ]
    .concat();
    let photo = take(bytes, false).unwrap();
    assert_eq!(photo.removed, [CAMERA]);
    assert_eq!(photo.bytes, jpeg);
}
