//! PNG (W3C, third edition): which chunks are kept.

use img_parts::png::PngChunk;
use img_parts::{Bytes, ImageEncoder};

use super::{Cleaned, Removed, exif};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The most chunks: with 256 bytes of pixels in each the largest picture has half as many.
const CHUNKS: usize = 200_000;
/// What is needed to show a picture, an animated one included: structure, colours, density.
const NEEDED: [&[u8; 4]; 18] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];
/// How an XMP packet's iTXt chunk begins.
const XMP: &[u8] = b"XML:com.adobe.xmp\0";

pub(super) fn clean(bytes: Vec<u8>) -> Option<Cleaned> {
    let mut rest = Bytes::from(bytes);
    let _signature = rest.split_to(SIGNATURE.len().min(rest.len()));
    let header = next(&mut rest)?;
    let size = size(&header)?;
    let mut removed = Removed::default();
    let mut orientation = 1;
    let mut pixels = false;
    let mut body = Vec::with_capacity(rest.len());
    for _ in 0..CHUNKS {
        let chunk = next(&mut rest)?;
        let kind = chunk.kind();
        match &kind {
            b"IHDR" => return None,
            b"eXIf" => {
                let found = exif::read(chunk.contents());
                removed.add(found.removed);
                orientation = found.orientation;
            }
            b"iTXt" if chunk.contents().starts_with(XMP) => removed.add(Removed::XMP),
            b"iTXt" | b"tEXt" | b"zTXt" => removed.add(Removed::TEXT),
            b"tIME" => removed.add(Removed::DATE),
            known if NEEDED.contains(&known) => {
                pixels |= known == b"IDAT";
                body.extend_from_slice(&ImageEncoder::from(chunk).bytes());
            }
            // A chunk without which the picture cannot be shown (5.4: a capital letter first), and that nobody knows.
            [b'A'..=b'Z', ..] => return None,
            _ => removed.add(Removed::OTHER),
        }
        if &kind == b"IEND" {
            if !rest.is_empty() {
                removed.add(Removed::AFTER);
            }
            let mut bytes = [SIGNATURE, &ImageEncoder::from(header).bytes()].concat();
            if orientation != 1 {
                let chunk = PngChunk::new(*b"eXIf", exif::only(orientation)?.into());
                bytes.extend_from_slice(&ImageEncoder::from(chunk).bytes());
            }
            bytes.extend_from_slice(&body);
            return pixels.then_some(Cleaned {
                bytes,
                removed,
                size,
            });
        }
    }
    None
}

fn next(rest: &mut Bytes) -> Option<PngChunk> {
    PngChunk::from_bytes(rest).ok()
}

/// Width and height from the header (11.2.1).
fn size(header: &PngChunk) -> Option<(u32, u32)> {
    let contents: &[u8; 13] = header.contents().as_ref().try_into().ok()?;
    let [a, b, c, d, e, f, g, h, ..] = *contents;
    let (width, height) = (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    );
    (&header.kind() == b"IHDR" && width > 0 && height > 0).then_some((width, height))
}
