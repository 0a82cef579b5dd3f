//! The verbs of memories and ideas, and how scripts and pages see them.

use serde::{Deserialize, Serialize};

/// A memory, or an idea for something to do together.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Memory {
    /// Whether it is an idea.
    pub idea: bool,
    /// May be empty.
    pub text: String,
    /// The day that it is about.
    pub date: Option<String>,
    /// Where it was.
    pub place: Option<String>,
    /// In the order in which they were added.
    pub photos: Vec<Photo>,
    /// The names of those who want it to come up again on its day.
    pub again_by: Vec<String>,
    /// When an idea was done; null while it was not.
    pub did_on: Option<String>,
    /// The name of whoever said so.
    pub did_by: Option<String>,
}

/// A photo of a memory.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Photo {
    /// Its place, from 1; it changes when one before it is taken back.
    pub number: u64,
    /// The name of whoever added it.
    pub by: String,
    /// What it is, such as `image/jpeg`, by whoever added it.
    pub mime: String,
    /// In pixels, where that is known.
    pub width: Option<u32>,
    /// In pixels, where that is known.
    pub height: Option<u32>,
    /// Its size; 0 where what was said of it cannot be read.
    pub bytes: u64,
    /// Nothing was removed from it, on purpose.
    pub as_it_was: bool,
    /// Pieces of it that are on this device.
    pub here: u64,
    /// Pieces that it has.
    pub of: u64,
    /// What is missing comes when the devices meet.
    pub coming: bool,
    /// All of it is on the partner's device, as far as that has said.
    pub reached: bool,
    /// What was left behind when it was added, in words; only said then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// A photo that was written into a file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct PhotoSaved {
    /// The file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// What it is, by whoever added it.
    pub mime: String,
}

/// The verbs of a memory. `id` is any unique beginning of an id, paths are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Memory explains them"
)]
pub enum MemoryRequest {
    /// A new one.
    Add {
        idea: bool,
        title: String,
        text: String,
        language: String,
        date: Option<String>,
        place: Option<String>,
        /// Files.
        photos: Vec<String>,
        as_it_is: bool,
    },
    /// Other words, another day or place; what is absent stays.
    Edit {
        id: String,
        title: Option<String>,
        text: Option<String>,
        #[serde(default, with = "super::double_option")]
        date: Option<Option<String>>,
        #[serde(default, with = "super::double_option")]
        place: Option<Option<String>>,
    },
    /// A photo more.
    Photo {
        id: String,
        path: String,
        as_it_is: bool,
    },
    /// Take back one's own photo.
    TakeBack { id: String, photo: u64 },
    /// Write a photo into a file that is not there yet.
    Save {
        id: String,
        photo: u64,
        path: String,
    },
    /// Whether it may come up again on its day.
    Again { id: String, yes: bool },
    /// An idea was done, today where no day is named; or it was not.
    Did {
        id: String,
        on: Option<String>,
        take_back: bool,
    },
    /// What comes up on this day.
    Today,
}
