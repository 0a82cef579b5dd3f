//! JPEG (ITU-T T.81): which segments are kept.

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::{Bytes, ImageEncoder};

use super::{Cleaned, Removed, exif};

/// The most scans of one picture. Progressive ones have about ten.
const SCANS: usize = 100;
/// The most segments of fewer than 32 bytes. Each costs more memory than it has bytes, so a file of them alone would
/// need twenty times its size; no picture has a hundredth of this.
const SMALL_SEGMENTS: usize = 4096;

const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const JFIF: &[u8] = b"JFIF\0";
/// Bytes of a JFIF header up to its thumbnail: identifier, version, units and densities.
const JFIF_BYTES: usize = 12;
const ADOBE: &[u8] = b"Adobe";
/// Bytes of Adobe's segment, that says how the colours are stored.
const ADOBE_BYTES: usize = 12;

pub(super) fn clean(bytes: Vec<u8>) -> Option<Cleaned> {
    if bytes.windows(4).filter(|window| is_small(window)).count() > SMALL_SEGMENTS {
        return None;
    }
    let mut kept = Kept::default();
    let mut rest = Bytes::from(bytes);
    for _ in 0..SCANS {
        // Everything up to the scan, and what is left from there on: the crate does not look into it.
        let jpeg = Jpeg::from_bytes(rest.clone()).ok()?;
        for segment in jpeg.segments() {
            kept.take(segment)?;
        }
        let Some(scan) = jpeg
            .segments()
            .last()
            .filter(|last| last.marker() == markers::SOS)
        else {
            // The end of the picture came after the last scan, behind something else.
            if jpeg.len() < rest.len() {
                kept.removed.add(Removed::AFTER);
            }
            return kept.finish();
        };
        let coded = rest.split_off(
            rest.len()
                .checked_sub(scan.len_with_entropy() - scan.len())?,
        );
        let (end, marker) = end_of_scan(&coded)?;
        kept.body.extend_from_slice(&coded[..end]);
        if marker == markers::EOI {
            if coded.len() > end + 2 {
                kept.removed.add(Removed::AFTER);
            }
            return kept.finish();
        }
        // The crate begins at the beginning of a picture, so what follows the scan is given one.
        let begins = [markers::P, markers::SOI];
        rest = Bytes::from([&begins[..], &coded[end..]].concat());
    }
    None
}

/// Where the coded pixels end, and the marker that stands there. Within them a 0xff is followed by 0x00 or by a
/// restart marker (T.81, B.1.1.2 and B.1.1.5); several may fill up before a marker.
fn end_of_scan(coded: &[u8]) -> Option<(usize, u8)> {
    coded
        .windows(2)
        .enumerate()
        .find_map(|(at, pair)| match pair {
            [markers::P, 0 | markers::RST0..=markers::RST7 | markers::P] => None,
            [markers::P, marker] => Some((at, *marker)),
            _ => None,
        })
}

/// A marker with a length under 32.
fn is_small(window: &[u8]) -> bool {
    matches!(window, [markers::P, 0xc0..=0xfe, 0, 0..=31])
}

/// What goes into the new file.
#[derive(Default)]
struct Kept {
    jfif: Option<Vec<u8>>,
    /// Of the first EXIF, which is the one that viewers heed.
    orientation: Option<u8>,
    frame: bool,
    size: Option<(u32, u32)>,
    scans: usize,
    body: Vec<u8>,
    removed: Removed,
}

impl Kept {
    /// Takes one segment, or leaves it behind. `None` where there can be no such segment in a picture of one frame.
    fn take(&mut self, segment: &JpegSegment) -> Option<()> {
        let contents = segment.contents();
        match segment.marker() {
            marker @ (markers::SOF0..=markers::SOF3
            | markers::SOF5..=markers::SOF7
            | markers::SOF9..=markers::SOF11
            | markers::SOF13..=markers::SOF15) => {
                if std::mem::replace(&mut self.frame, true) {
                    return None;
                }
                self.size = Some(size(contents)?);
                self.push(marker, contents);
            }
            markers::SOS => {
                if !self.frame {
                    return None;
                }
                self.scans += 1;
                self.push(markers::SOS, contents);
            }
            marker @ (markers::DHT | markers::DAC | markers::DQT | markers::DRI | markers::DNL) => {
                self.push(marker, contents);
            }
            markers::APP0 if contents.starts_with(JFIF) && contents.len() >= JFIF_BYTES + 2 => {
                if contents.len() > JFIF_BYTES + 2 || self.jfif.is_some() {
                    self.removed.add(Removed::THUMBNAIL);
                }
                let header = contents.get(..JFIF_BYTES)?;
                // A thumbnail of no pixels.
                self.jfif.get_or_insert([header, &[0, 0]].concat());
            }
            markers::APP0 => self.removed.add(Removed::THUMBNAIL),
            markers::APP1 if contents.starts_with(EXIF) => {
                let found = exif::read(contents.get(EXIF.len()..)?);
                self.removed.add(found.removed);
                self.orientation.get_or_insert(found.orientation);
            }
            markers::APP1 => self.removed.add(Removed::XMP),
            markers::APP2 if contents.starts_with(ICC) => self.push(markers::APP2, contents),
            markers::APP2 => self.removed.add(Removed::PICTURES),
            markers::APP13 => self.removed.add(Removed::IPTC),
            markers::APP14 if contents.starts_with(ADOBE) && contents.len() >= ADOBE_BYTES => {
                self.push(markers::APP14, &contents.slice(..ADOBE_BYTES));
            }
            markers::COM => self.removed.add(Removed::TEXT),
            // Pictures in several frames, which no camera makes and nearly no viewer shows.
            markers::DHP | markers::EXP => return None,
            _ => self.removed.add(Removed::OTHER),
        }
        Some(())
    }

    fn push(&mut self, marker: u8, contents: &Bytes) {
        self.body
            .extend_from_slice(&segment(marker, contents.clone()));
    }

    fn finish(self) -> Option<Cleaned> {
        if self.scans == 0 {
            return None;
        }
        let mut bytes = vec![markers::P, markers::SOI];
        if let Some(jfif) = self.jfif {
            bytes.extend_from_slice(&segment(markers::APP0, jfif.into()));
        }
        if let Some(orientation) = self.orientation.filter(|orientation| *orientation != 1) {
            let contents = [EXIF, &exif::only(orientation)?].concat();
            bytes.extend_from_slice(&segment(markers::APP1, contents.into()));
        }
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(&[markers::P, markers::EOI]);
        Some(Cleaned {
            bytes,
            removed: self.removed,
            size: self.size?,
        })
    }
}

/// A segment's bytes. What it holds came out of a segment or is a few bytes of ours, so it fits one.
fn segment(marker: u8, contents: Bytes) -> Bytes {
    ImageEncoder::from(JpegSegment::new_with_contents(marker, contents)).bytes()
}

/// Width and height from a frame's header (T.81, B.2.2), where they are said there.
fn size(header: &[u8]) -> Option<(u32, u32)> {
    let &[_, a, b, c, d, ..] = header else {
        return None;
    };
    let (height, width) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    (width > 0 && height > 0).then_some((width.into(), height.into()))
}
