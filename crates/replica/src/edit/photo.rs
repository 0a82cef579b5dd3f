//! A photo that this person puts into a memory.

use amends_journal::{EntryId, memory};

use crate::effect::{Effect, HandleError, World};
use crate::replica::Replica;
use crate::shelf::Gathered;

/// A photo that is to go into a memory.
#[derive(Clone)]
pub struct NewPhoto {
    /// The picture, as it is to be kept.
    pub bytes: Vec<u8>,
    /// What it is, such as `image/jpeg`.
    pub mime: String,
    /// Width and height in pixels, where they are known.
    pub size: Option<(u32, u32)>,
    /// Nothing was removed from it, on purpose.
    pub as_it_was: bool,
}

impl Replica {
    /// Seals a photo, and says it in the memory; both are in one transaction.
    pub(super) fn add_photo(
        &mut self,
        world: &mut World<'_>,
        entry: EntryId,
        photo: NewPhoto,
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let now = world.now;
        // Nothing is known of the chunks before it is sure that the entry takes them.
        let sealed = self.seal_blob(world, &photo.bytes)?;
        let say = memory::Say::Photo(memory::Photo {
            mime: photo.mime,
            size: photo.size,
            as_it_was: photo.as_it_was,
            reference: sealed.blob.to_bytes(),
        });
        let (of, own) = self.of_entry(&gathered, &entry, |entry, writer| {
            entry.say(writer, now, &[say.into()]).map(Some)
        })?;
        self.keep_blob(&mut gathered, sealed)?;
        self.write_with(gathered, world, entry, of, None, own)
    }
}
