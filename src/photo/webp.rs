//! WebP (RFC 9649): which chunks are kept.

use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{
    CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_EXIF, CHUNK_ICCP, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X,
    CHUNK_XMP, WebP,
};
use img_parts::{Bytes, ImageEncoder};

use super::{Cleaned, Removed, exif};

/// In the first byte of `VP8X` (section 2.7): the file holds EXIF, or XMP.
const HAS_EXIF: u8 = 0b0000_1000;
const HAS_XMP: u8 = 0b0000_0100;
/// Bytes of `VP8X`.
const EXTENDED_BYTES: usize = 10;
/// Bytes of `ANMF` before the frame's own chunks.
const FRAME_BYTES: usize = 16;
/// Some programs write this before the TIFF header, as in a JPEG.
const EXIF: &[u8] = b"Exif\0\0";

pub(super) fn clean(bytes: Vec<u8>) -> Option<Cleaned> {
    let whole = Bytes::from(bytes);
    let webp = WebP::from_bytes(whole.clone()).ok()?;
    let (width, height) = webp
        .dimensions()
        .filter(|(width, height)| *width > 0 && *height > 0)?;
    let mut removed = Removed::default();
    // An even length is asked for, and an odd one read by some.
    let held = 8 + u64::from(u32::from_le_bytes(whole.get(4..8)?.try_into().ok()?));
    if whole.len() as u64 > held {
        removed.add(Removed::AFTER);
    }
    let mut extended = None;
    let mut orientation = None;
    let mut pixels = 0_usize;
    let mut kept = Vec::new();
    for chunk in webp.chunks() {
        match (chunk.id(), chunk.content().data()) {
            (CHUNK_VP8X, Some(data)) if extended.is_none() && data.len() >= EXTENDED_BYTES => {
                extended = Some(data.get(..EXTENDED_BYTES)?.to_vec());
            }
            (CHUNK_VP8X, _) => return None,
            (CHUNK_EXIF, Some(data)) => {
                let found = exif::read(data.strip_prefix(EXIF).unwrap_or(data));
                removed.add(found.removed);
                orientation.get_or_insert(found.orientation);
            }
            (CHUNK_XMP, _) => removed.add(Removed::XMP),
            (CHUNK_VP8 | CHUNK_VP8L, Some(_)) => {
                pixels += 1;
                kept.push(chunk.clone());
            }
            (CHUNK_ANMF, Some(data)) => {
                pixels += 1;
                kept.push(frame(data, &mut removed)?);
            }
            (CHUNK_ICCP | CHUNK_ANIM | CHUNK_ALPH, Some(_)) => kept.push(chunk.clone()),
            _ => removed.add(Removed::OTHER),
        }
    }
    if pixels == 0 {
        return None;
    }
    if let Some(mut extended) = extended {
        // Without VP8X no viewer looks for EXIF, so there the orientation had no effect either.
        let turned = orientation.filter(|orientation| *orientation != 1);
        if let Some(flags) = extended.first_mut() {
            *flags &= !(HAS_EXIF | HAS_XMP);
            if turned.is_some() {
                *flags |= HAS_EXIF;
            }
        }
        kept.insert(
            0,
            RiffChunk::new(CHUNK_VP8X, RiffContent::Data(extended.into())),
        );
        if let Some(orientation) = turned {
            let tiff = exif::only(orientation)?;
            kept.push(RiffChunk::new(CHUNK_EXIF, RiffContent::Data(tiff.into())));
        }
    }
    Some(Cleaned {
        bytes: list(kept).to_vec(),
        removed,
        size: (width, height),
    })
}

/// One frame of an animation with nothing but its pixels: it may hold chunks of its own.
fn frame(data: &Bytes, removed: &mut Removed) -> Option<RiffChunk> {
    let (head, chunks) = data.split_at_checked(FRAME_BYTES)?;
    // The crate takes lists apart, so the frame's chunks are given to it as one.
    let length = u32::try_from(chunks.len()).ok()?.checked_add(4)?;
    let as_list = [b"RIFF", &length.to_le_bytes()[..], b"WEBP", chunks].concat();
    let parsed = WebP::from_bytes(as_list.into()).ok()?;
    let mut out = head.to_vec();
    for chunk in parsed.chunks() {
        match (chunk.id(), chunk.content()) {
            (CHUNK_ALPH | CHUNK_VP8 | CHUNK_VP8L, RiffContent::Data(_)) => {
                out.extend_from_slice(&ImageEncoder::from(chunk.clone()).bytes());
            }
            _ => removed.add(Removed::OTHER),
        }
    }
    Some(RiffChunk::new(CHUNK_ANMF, RiffContent::Data(out.into())))
}

/// The file of these chunks.
fn list(subchunks: Vec<RiffChunk>) -> Bytes {
    let kind = Some(*b"WEBP");
    ImageEncoder::from(RiffChunk::new(
        *b"RIFF",
        RiffContent::List { kind, subchunks },
    ))
    .bytes()
}
