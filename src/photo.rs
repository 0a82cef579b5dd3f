//! Photos, on their way into a journal: what tells where, when, with what and by whom is left behind.
//!
//! [`take`] goes by what the bytes are, not by a name. Of a JPEG, PNG or WebP it keeps what is needed to show the
//! picture (pixels, as they are, byte for byte; colour profile; which way is up) and nothing else: what is not known
//! to be needed goes. So EXIF, XMP, IPTC, comments, thumbnails, notes of the camera, and whatever stands after the
//! end of the picture (a film, in a motion photo) are not in what comes out. A format from which these cannot be
//! removed is refused, unless it is to be kept on purpose.
//!
//! The containers are taken apart by `img-parts`; EXIF is read, for the orientation alone, by `kamadak-exif`.
//! What is said here of a picture is no promise about the pixels: a street sign is still in it, and so is what
//! somebody hid in the lowest bits.
//!
//! # Bounds
//! A picture has at most [`BYTES`] and [`PIXELS`]. Nothing is decompressed. Memory stays within some ten times the
//! picture's bytes, whatever they are.

use std::fmt;

mod exif;
mod jpeg;
mod png;
mod webp;

/// The largest picture that is taken, in bytes: 25 MiB.
pub const BYTES: usize = 25 << 20;
/// The most pixels that a picture may have: whoever shows it must decode it. Phones go up to 200 million.
pub const PIXELS: u64 = 250_000_000;

/// A picture as it may go into a journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it is, by its content: `image/jpeg`, `image/png`, `image/webp`; of one kept on purpose what it seems to be.
    pub mime: &'static str,
    /// What was removed, in words for a person, each once.
    pub removed: Vec<&'static str>,
    /// Nothing was looked at or removed: the bytes are those that came, because that was asked for.
    pub kept_on_purpose: bool,
    /// Width and height in pixels, as stored (before the orientation turns them); not known of one kept on purpose.
    pub size: Option<(u32, u32)>,
}

/// Why a picture is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhotoFault {
    /// More than [`BYTES`]: this many.
    #[error("the picture has {0} bytes, at most {BYTES} are taken")]
    TooLarge(usize),
    /// More than [`PIXELS`].
    #[error("the picture has {width} times {height} pixels, at most {PIXELS} are taken")]
    TooManyPixels {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// A format from which the place and the camera cannot be removed; its name, where it is known.
    #[error("{} is no format that can be cleaned", .0.unwrap_or("this"))]
    Unsupported(Option<&'static str>),
    /// It begins as this format, but is cut short or damaged, or made of more pieces than any camera makes.
    #[error("the {0} picture is damaged")]
    Damaged(&'static str),
}

impl fmt::Debug for Photo {
    // Never the picture.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Photo")
            .field("bytes", &self.bytes.len())
            .field("mime", &self.mime)
            .field("removed", &self.removed)
            .field("kept_on_purpose", &self.kept_on_purpose)
            .field("size", &self.size)
            .finish()
    }
}

/// Takes a picture, without what tells of its place and camera. With `keep_on_purpose` one of another format is taken
/// too, as it is; JPEG, PNG and WebP are always cleaned.
///
/// # Errors
/// [`PhotoFault`]: too large, too many pixels, damaged, or of another format.
pub fn take(bytes: Vec<u8>, keep_on_purpose: bool) -> Result<Photo, PhotoFault> {
    if bytes.len() > BYTES {
        return Err(PhotoFault::TooLarge(bytes.len()));
    }
    let format = recognise(&bytes);
    let clean = match format {
        Some(Format {
            clean: Some(clean), ..
        }) => clean,
        _ if keep_on_purpose => {
            return Ok(Photo {
                bytes,
                mime: format.map_or("application/octet-stream", |format| format.mime),
                removed: Vec::new(),
                kept_on_purpose: true,
                size: None,
            });
        }
        _ => return Err(PhotoFault::Unsupported(format.map(|format| format.name))),
    };
    let (name, mime) = format.map_or(("", ""), |format| (format.name, format.mime));
    let Cleaned {
        bytes,
        removed,
        size,
    } = clean(bytes).ok_or(PhotoFault::Damaged(name))?;
    let (width, height) = size;
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(PhotoFault::TooManyPixels { width, height });
    }
    Ok(Photo {
        bytes,
        mime,
        removed: removed.words(),
        kept_on_purpose: false,
        size: Some(size),
    })
}

/// What is left of a picture, and what is not.
struct Cleaned {
    bytes: Vec<u8>,
    removed: Removed,
    size: (u32, u32),
}

/// Takes a picture apart and puts the needed parts together again; `None` where it is damaged.
type Clean = fn(Vec<u8>) -> Option<Cleaned>;

/// A format that is recognised.
#[derive(Clone, Copy)]
struct Format {
    name: &'static str,
    mime: &'static str,
    /// None where nothing can be removed from it.
    clean: Option<Clean>,
}

/// What the bytes begin as.
fn recognise(bytes: &[u8]) -> Option<Format> {
    let at = |from: usize, expected: &[u8]| {
        bytes
            .get(from..)
            .is_some_and(|rest| rest.starts_with(expected))
    };
    let format = |name, mime, clean| Some(Format { name, mime, clean });
    if at(0, b"\xff\xd8\xff") {
        return format("JPEG", "image/jpeg", Some(jpeg::clean as Clean));
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return format("PNG", "image/png", Some(png::clean as Clean));
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return format("WebP", "image/webp", Some(webp::clean as Clean));
    }
    if at(0, b"GIF87a") || at(0, b"GIF89a") {
        return format("GIF", "image/gif", None);
    }
    if at(0, b"II*\0") || at(0, b"MM\0*") {
        return format("TIFF", "image/tiff", None);
    }
    if at(4, b"ftyp") {
        // ISO/IEC 14496-12: the major brand.
        let brand = |brands: &[&[u8]]| brands.iter().any(|brand| at(8, brand));
        if brand(&[b"avif", b"avis"]) {
            return format("AVIF", "image/avif", None);
        }
        if brand(&[
            b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1",
        ]) {
            return format("HEIC", "image/heic", None);
        }
    }
    if at(0, b"%PDF-") {
        return format("PDF", "application/pdf", None);
    }
    if at(0, b"BM") {
        return format("BMP", "image/bmp", None);
    }
    if at(0, b"\xff\x0a") || at(0, b"\0\0\0\x0cJXL \r\n\x87\n") {
        return format("JPEG XL", "image/jxl", None);
    }
    if at(0, b"<svg") || at(0, b"<?xml") {
        return format("SVG", "image/svg+xml", None);
    }
    None
}

/// What was removed, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Removed(u16);

impl Removed {
    const LOCATION: Self = Self(1);
    const EXIF: Self = Self(1 << 1);
    const THUMBNAIL: Self = Self(1 << 2);
    const XMP: Self = Self(1 << 3);
    const IPTC: Self = Self(1 << 4);
    const TEXT: Self = Self(1 << 5);
    const DATE: Self = Self(1 << 6);
    const PICTURES: Self = Self(1 << 7);
    const AFTER: Self = Self(1 << 8);
    const OTHER: Self = Self(1 << 9);

    const WORDS: [(Self, &'static str); 10] = [
        (Self::LOCATION, "the place where it was taken"),
        (Self::EXIF, "camera data (EXIF)"),
        (Self::THUMBNAIL, "a small copy of the picture"),
        (Self::XMP, "notes of programs (XMP)"),
        (Self::IPTC, "captions and names (IPTC)"),
        (Self::TEXT, "comments"),
        (Self::DATE, "the date of its last change"),
        (Self::PICTURES, "a list of further pictures"),
        (Self::AFTER, "what stood after its end"),
        (Self::OTHER, "data that no viewer needs"),
    ];

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn words(self) -> Vec<&'static str> {
        Self::WORDS
            .into_iter()
            .filter(|(one, _)| self.0 & one.0 != 0)
            .map(|(_, words)| words)
            .collect()
    }
}
