//! Chunks of blobs on a session (PROTOCOL section 5). Whoever lacks a chunk that an entry names asks for it by its name,
//! a few at a time; whoever has it sends it when no record waits, at most [`UNDER_WAY`] before one is acknowledged. So a
//! record waits behind no more than these. An acknowledgement goes out after the chunk is on the disk, and nothing that
//! was acknowledged is asked for again.
//!
//! An acknowledgement that was lost with its session is asked for at the next: `Whether`.

use std::collections::{BTreeSet, VecDeque};

use amends_keys::blob::{self as sealed, ChunkName, MAX_SEALED_CHUNK};
use amends_keys::identity::StaticKey;

use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::frame::{Frame, MOST_NAMES};
use crate::replica::Replica;
use crate::shelf::{Gathered, Table};
use crate::sync::Link;

/// Chunks that may be on their way before the first of them is acknowledged.
pub(crate) const UNDER_WAY: usize = 2;
/// Chunks that may be asked for before the first of them comes.
pub(crate) const ASKED: usize = 8;
/// What one device may ask for before it is sent; an honest one keeps to [`ASKED`].
const MOST_ASKED: usize = MOST_NAMES;

/// What a session knows of chunks.
#[derive(Default)]
pub(crate) struct LinkChunks {
    /// The other device knows these frames. Until then none is sent.
    known: bool,
    /// By its last clock, it wants chunks of this device.
    they_want: bool,
    /// What this device's last clock said of that.
    said_want: bool,
    /// The place in the list of wanted chunks from which on nothing was asked for over this link.
    next: u64,
    asked: BTreeSet<ChunkName>,
    /// Chunks that are wanted, and of which the other device says that it lacks them.
    lacking: BTreeSet<ChunkName>,
    /// Chunks that it asks for.
    queue: VecDeque<ChunkName>,
    under_way: BTreeSet<ChunkName>,
    /// Chunks of which it is to be asked whether it has them, and of which it was.
    wonder: VecDeque<ChunkName>,
    wondering: BTreeSet<ChunkName>,
}

impl LinkChunks {
    /// A clock came: whether the other device knows chunks, and wants some.
    pub(crate) fn hear(&mut self, wants: Option<bool>) {
        self.known |= wants.is_some();
        self.they_want = wants.unwrap_or(false);
    }

    /// This device's clock goes out, and says whether it wants chunks.
    pub(crate) fn say(&mut self, want: bool) {
        self.said_want = want;
    }

    /// Whether nothing more is to go over this link: the other device waits for no chunk, and neither for a word about one.
    fn at_rest(&self) -> bool {
        let said_all = self.wonder.is_empty() && self.wondering.is_empty();
        let sent_all = self.queue.is_empty() && self.under_way.is_empty();
        !self.they_want && said_all && sent_all
    }

    /// The other device said whether it has a chunk. Whether this one waited to hear it.
    fn answered(&mut self, name: &ChunkName) -> bool {
        let sent = self.under_way.remove(name);
        let wondered = self.wondering.remove(name);
        sent || wondered
    }
}

/// How far the chunks are between two devices, over all of their links: any of these may be the one that they go over.
pub(crate) struct ChunksMet {
    /// The other device has said that every chunk is there which is here and which an entry names.
    pub(crate) they_have_all: bool,
    /// This device has every chunk that it wants, or that the other one can give.
    pub(crate) have_all: bool,
    /// Nothing more is to go either way.
    pub(crate) at_rest: bool,
}

impl Replica {
    /// How far the chunks are between this device and another.
    pub(crate) fn chunks_met(&self, device: &StaticKey) -> ChunksMet {
        let links = || self.chunks_with(device);
        // A device that knows no chunks can give none.
        let have_all = !links().any(|link| link.known) || !self.wants_of(device);
        ChunksMet {
            // That it wants nothing is not enough: it may not have heard of a photo yet, or may take no more of them.
            they_have_all: !links().any(|link| link.they_want)
                && self.blobs.unreached().next().is_none(),
            have_all,
            at_rest: have_all && links().all(LinkChunks::at_rest),
        }
    }

    fn chunks_with(&self, device: &StaticKey) -> impl Iterator<Item = &LinkChunks> {
        let with = move |link: &&Link| link.device == *device && !link.closing;
        self.links.values().filter(with).map(|link| &link.chunks)
    }

    /// A session begins: of what the other device never said that it has, it is asked, where that is not done over another link.
    pub(crate) fn wonder(&mut self, link_id: LinkId) {
        let device = self.links.get(&link_id).map(|link| link.device);
        let known = |link: &Link| link.chunks.known && !link.closing;
        let elsewhere = self
            .links
            .iter()
            .any(|(id, link)| *id != link_id && Some(link.device) == device && known(link));
        if let Some(link) = self.links.get_mut(&link_id)
            && known(link)
            && !elsewhere
        {
            link.chunks.wonder = self.blobs.unreached().collect();
        }
    }

    /// Whether chunks are to come from this device: wanted here, and not said to lack there.
    fn wants_of(&self, device: &StaticKey) -> bool {
        let lacking = |name: &ChunkName| {
            let mut links = self.chunks_with(device);
            links.any(|link| link.lacking.contains(name))
        };
        self.blobs.wanted_from(0).any(|(_, name)| !lacking(&name))
    }

    /// Whether chunks are to come from the device at the other end of this link.
    pub(crate) fn wants_over(&self, link: LinkId) -> bool {
        let Some(state) = self.links.get(&link) else {
            return false;
        };
        self.wants_of(&state.device)
    }

    /// Asks for chunks, and sends what was asked for where no record waits.
    pub(crate) fn pump_chunks(
        &mut self,
        gathered: &Gathered<'_>,
        link_id: LinkId,
        no_record_waits: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<(), HandleError> {
        let known = |link: &Link| link.chunks.known;
        if !self.links.get(&link_id).is_some_and(known) {
            return Ok(());
        }
        self.ask(link_id, effects);
        self.send_whether(link_id, effects);
        if self.send_chunks(gathered, link_id, no_record_waits, effects)? {
            // What was found to be damaged here may be whole there.
            self.ask(link_id, effects);
        }
        Ok(())
    }

    /// Asks of the next chunks whether the other device has them, where it answered of the last ones.
    pub(crate) fn send_whether(&mut self, link_id: LinkId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&link_id).map(|link| &mut link.chunks) else {
            return;
        };
        while link.wondering.is_empty() && !link.wonder.is_empty() {
            let some = link.wonder.len().min(MOST_NAMES);
            link.wondering = link
                .wonder
                .drain(..some)
                .filter(|name| self.blobs.is_unreached(name))
                .collect();
            if !link.wondering.is_empty() {
                let names = link.wondering.iter().copied().collect();
                effects.push(Effect::Send {
                    link: link_id,
                    frame: Frame::Whether(names).to_bytes(),
                });
            }
        }
    }

    /// Sends chunks that were asked for over this link. Whether some of them turned out not to be here.
    pub(crate) fn send_chunks(
        &mut self,
        gathered: &Gathered<'_>,
        link_id: LinkId,
        no_record_waits: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, HandleError> {
        let send = |frame: Frame| Effect::Send {
            link: link_id,
            frame: frame.to_bytes(),
        };
        let blobs = &mut self.blobs;
        let Some(link) = self.links.get_mut(&link_id).map(|link| &mut link.chunks) else {
            return Ok(false);
        };
        let mut lack = Vec::new();
        while no_record_waits && link.under_way.len() < UNDER_WAY {
            let Some(name) = link.queue.pop_front() else {
                break;
            };
            let chunk = if blobs.is_held(&name) {
                gathered.get(Table::Blob, &name)?
            } else {
                None
            };
            match chunk {
                Some(chunk) if sealed::chunk_name(&chunk) == name => {
                    link.under_way.insert(name);
                    effects.push(send(Frame::Chunk(chunk)));
                }
                _ => {
                    blobs.lost(&name);
                    lack.push(name);
                }
            }
        }
        let lacks = !lack.is_empty();
        if lacks {
            effects.push(send(Frame::Lack(lack)));
        }
        Ok(lacks)
    }

    /// Says whether this device wants chunks, where that changed. It says so over every link: the other device knows nothing
    /// to be done while one of them says otherwise.
    pub(crate) fn say_wants(&mut self, link: LinkId, effects: &mut Vec<Effect>) {
        let wants = self.wants_over(link);
        let other = |link: &Link| link.chunks.known && link.chunks.said_want != wants;
        if self.links.get(&link).is_some_and(other) {
            effects.push(self.send_clock(link, false));
        }
    }

    /// Says whether this device wants chunks, where that changed, and asks for the next.
    fn ask(&mut self, link: LinkId, effects: &mut Vec<Effect>) {
        self.say_wants(link, effects);
        let asks = self.next_asks(link);
        if !asks.is_empty() {
            let frame = Frame::Ask(asks).to_bytes();
            effects.push(Effect::Send { link, frame });
        }
    }

    /// The next chunks to ask for over a link: none that was asked for over another to the same device.
    fn next_asks(&mut self, link_id: LinkId) -> Vec<ChunkName> {
        let Some(device) = self.links.get(&link_id).map(|link| link.device) else {
            return Vec::new();
        };
        let elsewhere: BTreeSet<ChunkName> = self
            .links
            .iter()
            .filter(|(id, other)| **id != link_id && other.device == device)
            .flat_map(|(_, other)| other.chunks.asked.iter().copied())
            .collect();
        let Some(link) = self.links.get_mut(&link_id).map(|link| &mut link.chunks) else {
            return Vec::new();
        };
        let mut asks = Vec::new();
        for (place, name) in self.blobs.wanted_from(link.next) {
            if link.asked.len() >= ASKED {
                break;
            }
            link.next = place.saturating_add(1);
            if !elsewhere.contains(&name) && !link.lacking.contains(&name) {
                link.asked.insert(name);
                asks.push(name);
            }
        }
        asks
    }

    /// The other device asks for chunks. It says by that that it does not have them.
    pub(crate) fn hear_ask(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        names: &[ChunkName],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let mut effects = Vec::new();
        let mut over = false;
        for name in names {
            self.blobs.said(&mut gathered, name, false)?;
            let Some(link) = self.links.get_mut(&link_id).map(|link| &mut link.chunks) else {
                return Ok(Vec::new());
            };
            link.wondering.remove(name);
            if link.queue.contains(name) || link.under_way.contains(name) {
                continue;
            }
            if link.queue.len() < MOST_ASKED {
                link.queue.push_back(*name);
            } else {
                over = true;
            }
        }
        if over {
            let reason = "the other device asks for too many chunks at once";
            effects.push(Effect::Show(Shown::Refused(reason.to_owned())));
            effects.extend(self.count_bad(link_id));
        }
        self.keep_and_pump(world, gathered, false, effects)
    }

    /// A chunk came. It is taken only if it was asked for over this link; in a bundle, if an entry names it.
    pub(crate) fn receive_chunk(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        bytes: Vec<u8>,
    ) -> Result<Vec<Effect>, HandleError> {
        let Some(state) = self.links.get_mut(&link_id) else {
            return Ok(Vec::new());
        };
        let send = |frame: Frame| Effect::Send {
            link: link_id,
            frame: frame.to_bytes(),
        };
        let mut gathered = Gathered::new(world.shelf);
        if bytes.len() > MAX_SEALED_CHUNK {
            return Ok(self.refuse_chunk(link_id, "a chunk that is too long", Vec::new()));
        }
        let name = sealed::chunk_name(&bytes);
        let was_asked = state.chunks.asked.remove(&name);
        if self.blobs.is_held(&name) {
            // It came twice; only its acknowledgement may be missing.
            let have = vec![send(Frame::Have(vec![name]))];
            return self.keep_and_pump(world, gathered, false, have);
        }
        let lack = vec![send(Frame::Lack(vec![name]))];
        let Some(size) = self.blobs.wanted_size(&name) else {
            if was_asked {
                // While it was under way, its photo was taken back.
                return self.keep_and_pump(world, gathered, false, lack);
            }
            return Ok(self.refuse_chunk(link_id, "a chunk that nobody asked for", lack));
        };
        if !was_asked {
            return Ok(self.refuse_chunk(link_id, "a chunk that nobody asked for", lack));
        }
        if size != bytes.len() {
            state.chunks.lacking.insert(name);
            return Ok(self.refuse_chunk(
                link_id,
                "a chunk that is not as long as its entry says",
                lack,
            ));
        }
        let mut effects = self.blobs.came(&mut gathered, &name, bytes, true)?;
        effects.push(send(Frame::Have(vec![name])));
        self.keep_and_pump(world, gathered, true, effects)
    }

    /// A chunk came in a file. Who put it there is not known, so it says nothing of who has it; it is taken if an entry here
    /// names it and it is as long as that entry says.
    pub(crate) fn receive_carried_chunk(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        bytes: &[u8],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let fits = bytes.len() <= MAX_SEALED_CHUNK;
        let name = if fits {
            sealed::chunk_name(bytes)
        } else {
            ChunkName::default()
        };
        if fits && self.blobs.is_held(&name) {
            return Ok(Vec::new());
        }
        let wanted = fits && self.blobs.wanted_size(&name) == Some(bytes.len());
        if let Some(reading) = self.reading(link_id) {
            let count = if wanted {
                &mut reading.chunks
            } else {
                &mut reading.chunks_unknown
            };
            *count = count.saturating_add(1);
        }
        if !wanted {
            return Ok(Vec::new());
        }
        let effects = self
            .blobs
            .came(&mut gathered, &name, bytes.to_vec(), false)?;
        self.keep_and_pump(world, gathered, true, effects)
    }

    fn refuse_chunk(
        &mut self,
        link: LinkId,
        reason: &str,
        mut effects: Vec<Effect>,
    ) -> Vec<Effect> {
        effects.push(Effect::Show(Shown::Refused(reason.to_owned())));
        effects.extend(self.count_bad(link));
        effects
    }

    /// The other device says that these chunks are on its disk.
    pub(crate) fn hear_have(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        names: &[ChunkName],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let mut effects = Vec::new();
        let device = self.links.get(&link_id).map(|link| link.device);
        for name in names {
            for (id, link) in &mut self.links {
                if *id == link_id {
                    link.chunks.answered(name);
                } else if Some(link.device) == device {
                    // What it may have answered over another link before is older.
                    link.chunks.wondering.remove(name);
                }
            }
            effects.extend(self.blobs.said(&mut gathered, name, true)?);
        }
        // Lost in a power cut, it is asked for at the next session.
        self.keep_and_pump(world, gathered, false, effects)
    }

    /// The other device says that it does not have these chunks.
    pub(crate) fn hear_lack(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        names: &[ChunkName],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        for name in names {
            let Some(link) = self.links.get_mut(&link_id).map(|link| &mut link.chunks) else {
                break;
            };
            let asked = link.asked.remove(name);
            if asked {
                link.lacking.insert(*name);
            }
            // Of what came to be there meanwhile, over another link, that word is too late.
            if link.answered(name) || asked {
                self.blobs.said(&mut gathered, name, false)?;
            }
        }
        self.keep_and_pump(world, gathered, false, Vec::new())
    }

    /// The other device asks which of these chunks are here.
    pub(crate) fn hear_whether(&mut self, link: LinkId, names: &[ChunkName]) -> Vec<Effect> {
        let (have, lack): (Vec<ChunkName>, Vec<ChunkName>) =
            names.iter().partition(|name| self.blobs.is_held(name));
        let send = |frame: Frame| Effect::Send {
            link,
            frame: frame.to_bytes(),
        };
        let have = (!have.is_empty()).then(|| send(Frame::Have(have)));
        let lack = (!lack.is_empty()).then(|| send(Frame::Lack(lack)));
        have.into_iter().chain(lack).collect()
    }

    /// A session ended: what was asked for over it is asked for over another, and whether what was sent over it arrived.
    pub(crate) fn chunks_parted(&mut self, gone: &Link) {
        for name in &gone.chunks.asked {
            self.blobs.want_again(name);
        }
        let unanswered = gone.chunks.under_way.iter().chain(&gone.chunks.wondering);
        let mut open: BTreeSet<ChunkName> =
            unanswered.chain(&gone.chunks.wonder).copied().collect();
        if gone.chunks.they_want {
            // Which of them it said over this link alone, or had no time to say. That it says so over another may be on its way.
            open.extend(self.blobs.unreached());
        }
        for other in self.links.values_mut() {
            if other.device == gone.device && other.chunks.known {
                other.chunks.wonder.extend(&open);
            }
        }
    }

    /// Saves, then does the rest, then sends what is next.
    fn keep_and_pump(
        &mut self,
        world: &mut World<'_>,
        gathered: Gathered<'_>,
        durable: bool,
        then: Vec<Effect>,
    ) -> Result<Vec<Effect>, HandleError> {
        let sends = self.pump_all(&gathered, world)?;
        let writes = gathered.into_writes();
        let mut effects = Vec::new();
        if !writes.is_empty() {
            effects.push(Effect::Save { writes, durable });
        }
        effects.extend(then);
        effects.extend(sends);
        Ok(effects)
    }
}

#[cfg(test)]
mod tests;
