//! EXIF: which way up a picture is, and how to say only that.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Context, Exif, Field, In, Reader, Tag, Value};

use super::Removed;

/// The most bytes of EXIF that are looked at: what fits a JPEG segment. In the other formats longer ones are rare.
const BYTES: usize = 65_536;
/// The most pointers to further directories. Each may lead to as many entries as there is room for, all over the same
/// bytes, so that without this 64 KiB could become hundreds of MiB. Cameras write three; chance adds a handful.
const POINTERS: usize = 64;

/// What a picture's EXIF says.
pub(super) struct Found {
    /// 1 to 8 (EXIF 2.32, 4.6.4.A); 1 is upright, and where nothing is said.
    pub(super) orientation: u8,
    /// What goes when it goes.
    pub(super) removed: Removed,
}

/// Reads EXIF that begins with the TIFF header. What cannot be read is taken as upright.
pub(super) fn read(tiff: &[u8]) -> Found {
    let mut found = Found {
        orientation: 1,
        removed: Removed::EXIF,
    };
    let Some(exif) = parse(tiff) else {
        return found;
    };
    if let Some(field) = exif.get_field(Tag::Orientation, In::PRIMARY)
        && let Some(orientation @ 1..=8) = field.value.get_uint(0)
    {
        found.orientation = orientation as u8;
    }
    if exif
        .fields()
        .any(|field| field.tag.context() == Context::Gps)
    {
        found.removed.add(Removed::LOCATION);
    }
    if exif.fields().any(|field| field.ifd_num == In::THUMBNAIL) {
        found.removed.add(Removed::THUMBNAIL);
    }
    // What says the orientation alone, as we write it, is not worth a word.
    if found.orientation != 1 && only(found.orientation).is_some_and(|only| only == tiff) {
        found.removed = Removed::default();
    }
    found
}

fn parse(tiff: &[u8]) -> Option<Exif> {
    const TAGS: [[u8; 2]; 3] = [[0x87, 0x69], [0x88, 0x25], [0xa0, 0x05]];
    let is_pointer = |pair: &&[u8]| {
        TAGS.iter()
            .any(|tag| *pair == tag || pair.iter().eq(tag.iter().rev()))
    };
    if tiff.len() > BYTES || tiff.windows(2).filter(is_pointer).count() > POINTERS {
        return None;
    }
    Reader::new()
        .continue_on_error(true)
        .read_raw(tiff.to_vec())
        .or_else(|error| error.distill_partial_result(|_| {}))
        .ok()
}

/// EXIF that holds this orientation and nothing else; none where it could not be written, which would be a fault here.
pub(super) fn only(orientation: u8) -> Option<Vec<u8>> {
    let field = Field {
        tag: Tag::Orientation,
        ifd_num: In::PRIMARY,
        value: Value::Short(vec![u16::from(orientation)]),
    };
    let mut writer = Writer::new();
    writer.push_field(&field);
    let mut out = Cursor::new(Vec::new());
    writer.write(&mut out, false).ok()?;
    Some(out.into_inner())
}
