//! Two devices, one photo.

use amends_journal::EntryId;
use amends_keys::blob::{ChunkName, chunk_name};

use crate::blob::{BlobError, BlobProgress, BlobRef, MOST_OF_ENTRY};
use crate::chunks::{ASKED, UNDER_WAY};
use crate::common::*;
use crate::effect::{Effect, Input, LinkId, Shown};
use crate::frame::Frame;
use crate::shelf::{Gathered, Shelf, Table, Write};

/// 23 chunks.
const PHOTO: usize = 3_000_000;
/// 12 chunks.
const LONG: usize = 1_500_000;

fn photo(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 % 251) as u8).collect()
}

/// Writes what a transaction holds, and sends what is to be sent then.
fn note(pair: &mut Pair, who: usize, entry: EntryId, blobs: &[BlobRef]) {
    pair.act(who, |replica, world| {
        let mut gathered = Gathered::new(world.shelf);
        replica.note_blobs(&mut gathered, entry, blobs)?;
        let sends = replica.pump_all(&gathered, world)?;
        let writes = gathered.into_writes();
        let save = Effect::Save {
            writes,
            durable: true,
        };
        Ok(std::iter::once(save).chain(sends).collect())
    })
    .unwrap();
}

fn keep(pair: &mut Pair, who: usize, bytes: &[u8]) -> BlobRef {
    let mut kept = None;
    pair.act(who, |replica, world| {
        let mut gathered = Gathered::new(world.shelf);
        let sealed = replica.seal_blob(world, bytes)?;
        kept = Some(sealed.blob.clone());
        replica.keep_blob(&mut gathered, sealed)?;
        let writes = gathered.into_writes();
        Ok(vec![Effect::Save {
            writes,
            durable: true,
        }])
    })
    .unwrap();
    kept.unwrap()
}

/// Ana has a photo in an entry that both hold.
fn with_photo(seed: u64, length: usize) -> (Pair, EntryId, BlobRef) {
    let mut pair = met_pair(seed);
    let entry = pair.edit(ANA, proposal("a day by the sea")).unwrap();
    pair.meet();
    let blob = keep(&mut pair, ANA, &photo(length));
    for who in [ANA, BO] {
        note(&mut pair, who, entry, std::slice::from_ref(&blob));
    }
    (pair, entry, blob)
}

fn progress(pair: &Pair, who: usize, blob: &BlobRef) -> BlobProgress {
    pair.devices[who].replica.blob_progress(blob)
}

fn read(pair: &Pair, who: usize, blob: &BlobRef) -> Result<Vec<u8>, BlobError> {
    let device = &pair.devices[who];
    device.replica.read_blob(&device.disk.now, blob)
}

fn assert_whole(pair: &Pair, blob: &BlobRef) {
    let length = usize::try_from(blob.length).unwrap();
    for who in [ANA, BO] {
        assert!(read(pair, who, blob).unwrap() == photo(length));
    }
    assert!(progress(pair, ANA, blob).reached);
}

/// The chunks that lie in a queue.
fn on_the_way(pair: &Pair, link: LinkId, to: usize) -> Vec<ChunkName> {
    let queue = &pair.links[&link][to];
    let name = |frame: &Vec<u8>| match Frame::parse(frame) {
        Ok(Frame::Chunk(chunk)) => Some(chunk_name(&chunk)),
        _ => None,
    };
    queue.iter().filter_map(name).collect()
}

#[test]
fn what_is_asked_for_over_a_second_link_comes_over_it() {
    let (mut pair, _, blob) = with_photo(41, PHOTO);
    let first = pair.connect();
    let second = pair.connect();
    // Ana has heard Bo on both. Bo has heard her on the second alone, as where each takes another one for the first.
    while pair.deliver(first, ANA) {}
    loop {
        let moved = [BO, ANA].map(|to| pair.deliver(second, to));
        if moved == [false, false] {
            break;
        }
    }
    assert!(!pair.links[&first][BO].is_empty());
    assert_whole(&pair, &blob);
}

/// A photo that came to be while two links stood is sent over one of them, and neither says before that it is there.
#[test]
fn neither_of_two_links_says_that_a_photo_came_before_it_did() {
    let mut pair = met_pair(42);
    let entry = pair.edit(ANA, proposal("a day by the sea")).unwrap();
    let links = [pair.connect(), pair.connect()];
    pair.run();
    let blob = keep(&mut pair, ANA, &photo(PHOTO));
    for who in [ANA, BO] {
        note(&mut pair, who, entry, std::slice::from_ref(&blob));
    }
    loop {
        let here = progress(&pair, BO, &blob).here == blob.chunks.len();
        for meeting in links.map(|link| pair.bo().replica.meeting(link)) {
            assert!(
                here || !(meeting.have_all || meeting.at_rest),
                "{meeting:?}"
            );
        }
        for meeting in links.map(|link| pair.ana().replica.meeting(link)) {
            assert!(here || !meeting.partner_has_all, "{meeting:?}");
        }
        let moved = links.map(|link| [BO, ANA].map(|to| pair.deliver(link, to)));
        if moved == [[false; 2]; 2] {
            break;
        }
    }
    assert_at_rest(&pair, &links);
    assert_whole(&pair, &blob);
}

/// Says of each device that over each of these links nothing more is to go.
fn assert_at_rest(pair: &Pair, links: &[LinkId]) {
    for device in &pair.devices {
        for meeting in links.iter().map(|link| device.replica.meeting(*link)) {
            let all = meeting.have_all && meeting.partner_has_all && meeting.at_rest;
            assert!(all, "{meeting:?}");
        }
    }
}

/// Whether a photo that waited is there is asked over one of two links, and what is answered counts for both.
#[test]
fn two_links_come_to_rest_with_a_photo_that_waited_for_them() {
    let (mut pair, _, blob) = with_photo(43, PHOTO);
    let links = [pair.connect(), pair.connect()];
    pair.run();
    assert_whole(&pair, &blob);
    assert_at_rest(&pair, &links);
}

/// Bo says over one link that a chunk is not there, and over the other, soon after, that it is. The first comes last.
#[test]
fn an_answer_that_is_overtaken_over_another_link_takes_nothing_back() {
    let (mut pair, _, blob) = with_photo(44, 1000);
    let links @ [first, second] = [pair.connect(), pair.connect()];
    // Bo asks for it over the second, Ana whether it is there over the first.
    pair.deliver(second, BO);
    pair.deliver(first, ANA);
    while pair.deliver(first, BO) {}
    let is_lack = |frame: &Vec<u8>| matches!(Frame::parse(frame), Ok(Frame::Lack(_)));
    assert!(pair.links[&first][ANA].iter().any(is_lack));
    loop {
        let moved = [BO, ANA].map(|to| pair.deliver(second, to));
        if moved == [false, false] {
            break;
        }
    }
    assert_whole(&pair, &blob);
    pair.run();
    assert_whole(&pair, &blob);
    assert_at_rest(&pair, &links);
}

/// That Bo wants a photo came over one of two links, which ended before he asked for it.
#[test]
fn a_link_that_ends_takes_no_wish_along() {
    let mut pair = met_pair(45);
    let entry = pair.edit(ANA, proposal("a day by the sea")).unwrap();
    let [first, second] = [pair.connect(), pair.connect()];
    pair.run();
    let blob = keep(&mut pair, ANA, &photo(PHOTO));
    for who in [ANA, BO] {
        note(&mut pair, who, entry, std::slice::from_ref(&blob));
    }
    pair.deliver(first, ANA);
    pair.cut(first);
    assert!(!pair.ana().replica.meeting(second).at_rest);
    pair.run();
    assert_whole(&pair, &blob);
    assert_at_rest(&pair, &[second]);
}

#[test]
fn a_photo_goes_over_and_has_reached_the_other() {
    let (mut pair, entry, blob) = with_photo(1, PHOTO);
    assert_eq!(blob.chunks.len(), 23);
    let start = progress(&pair, BO, &blob);
    assert_eq!((start.here, start.of, start.coming), (0, 23, true));
    assert_eq!(
        read(&pair, BO, &blob),
        Err(BlobError::NotHere { here: 0, of: 23 })
    );
    assert!(!progress(&pair, ANA, &blob).reached);

    let link = pair.connect();
    let mut before = 0;
    while !pair.links[&link].iter().all(|queue| queue.is_empty()) {
        pair.run_for(1);
        assert!(on_the_way(&pair, link, BO).len() <= UNDER_WAY);
        let meeting = pair.bo().replica.meeting(link);
        let BlobProgress { here, of, .. } = progress(&pair, BO, &blob);
        assert!(here >= before && (here == of || !meeting.have_all));
        before = here;
    }
    for device in &pair.devices {
        let meeting = device.replica.meeting(link);
        assert!(meeting.have_all && meeting.partner_has_all);
    }
    assert_whole(&pair, &blob);
    let came = |shown: &&Shown| matches!(shown, Shown::BlobCame { .. });
    assert_eq!(pair.bo().shown.iter().filter(came).count(), 23);
    assert!(pair.bo().was_shown(&Shown::BlobCame {
        entry,
        here: 23,
        of: 23
    }));
    assert!(pair.ana().was_shown(&Shown::BlobsReached(entry)));
    assert!(pair.ana().refused().is_empty() && pair.bo().refused().is_empty());

    // It is all known after a power cut, too, but for acknowledgements, which the next meeting brings.
    for who in [ANA, BO] {
        pair.restart(who, true);
    }
    pair.meet();
    assert_whole(&pair, &blob);
}

#[test]
fn what_was_acknowledged_is_never_sent_again_wherever_it_is_cut() {
    for seed in 0..20 {
        let (mut pair, _, blob) = with_photo(seed, 400_000);
        let frames = 7 + usize::try_from(seed).unwrap() / 2;
        let mut meetings = 0;
        let mut sent: Vec<ChunkName> = Vec::new();
        while read(&pair, BO, &blob).is_err() {
            meetings += 1;
            assert!(meetings < 60, "it never comes to an end");
            let acknowledged: Vec<ChunkName> = blob
                .chunks
                .iter()
                .filter(|name| {
                    let one = BlobRef {
                        chunks: vec![**name],
                        ..blob.clone()
                    };
                    progress(&pair, ANA, &one).reached
                })
                .copied()
                .collect();
            let link = pair.connect();
            for _ in 0..frames {
                // What goes into Bo's queue last is what a step sent.
                for name in on_the_way(&pair, link, BO) {
                    assert!(!acknowledged.contains(&name), "sent again");
                    sent.push(name);
                }
                pair.run_for(1);
            }
            pair.cut(link);
            if seed % 3 == 0 {
                pair.restart(usize::from(seed % 2 == 0), seed % 5 == 0);
            }
        }
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len(), blob.chunks.len());
        // What a power cut took of the acknowledgements is asked for.
        pair.meet();
        assert_whole(&pair, &blob);
    }
}

#[test]
fn frames_that_are_lost_doubled_or_out_of_order_cost_time_and_nothing_else() {
    for seed in 0..12u64 {
        let (mut pair, _, blob) = with_photo(seed, 500_000);
        let link = pair.connect();
        for step in 0..60u64 {
            let to = usize::from(step % 2 == 0);
            let Some(queue) = pair.links.get_mut(&link).map(|queues| &mut queues[to]) else {
                break;
            };
            match (seed * 31 + step * 7) % 11 {
                0 => drop(queue.pop_front()),
                1 => {
                    if let Some(first) = queue.front().cloned() {
                        queue.push_back(first);
                    }
                }
                2 => {
                    if let Some(first) = queue.pop_front() {
                        queue.push_back(first);
                    }
                }
                _ => {}
            }
            pair.deliver(link, to);
        }
        pair.run();
        pair.cut(link);
        pair.meet();
        assert_whole(&pair, &blob);
        assert_eq!(pair.ana().refused(), Vec::<String>::new());
    }
}

#[test]
fn a_chunk_is_acknowledged_only_after_the_disk_has_it() {
    let (mut pair, _, blob) = with_photo(5, LONG);
    let link = pair.connect();
    pair.run_for(12);
    // The next chunk cannot be saved.
    pair.devices[BO].fault = Some(Fault::SaveFails(0));
    pair.run();
    assert_eq!(pair.links.len(), 0, "the links begin anew");
    let there = blob.chunks.iter().filter(|name| {
        let durable = pair.bo().disk.durable.get(Table::Blob, *name).unwrap();
        durable.is_some()
    });
    let there = there.count();
    let said = blob.chunks.iter().filter(|name| {
        let one = BlobRef {
            chunks: vec![**name],
            ..blob.clone()
        };
        progress(&pair, ANA, &one).reached
    });
    assert!(said.count() <= there && there < 12);
    pair.cut(link);
    pair.meet();
    assert_whole(&pair, &blob);
}

#[test]
fn an_edit_goes_out_before_the_rest_of_a_photo() {
    let (mut pair, _, _) = with_photo(6, LONG);
    let link = pair.connect();
    pair.run_for(14);
    while pair.deliver(link, ANA) {}
    assert_eq!(on_the_way(&pair, link, BO).len(), UNDER_WAY);
    let entry = pair.edit(ANA, proposal("now")).unwrap();
    // Only what was on its way already comes first.
    let before = pair.links[&link][BO].len();
    for _ in 0..before {
        pair.deliver(link, BO);
    }
    assert!(pair.bo().replica.card(&entry).is_some());
    assert!(before <= UNDER_WAY + 3, "{before} frames came first");
    // And while records wait for acknowledgements that do not come, no chunk goes out.
    pair.run();
    pair.cut(link);
    pair.meet();
}

#[test]
fn no_chunk_goes_out_while_a_record_waits() {
    let (mut pair, _, _) = with_photo(7, LONG);
    for n in 0..12 {
        // Each too long to share an envelope with the next.
        let text = format!("{n}").repeat(40_000);
        pair.edit(ANA, proposal(&text)).unwrap();
    }
    let link = pair.connect();
    // Bo's clock and asks come, and then nothing more from him.
    while pair.deliver(link, ANA) {}
    let frames = &pair.links[&link][BO];
    let envelopes = frames.iter().filter(|frame| frame[0] == 2).count();
    if on_the_way(&pair, link, BO).is_empty() {
        assert!(envelopes > 1, "records wait");
    } else {
        let first = frames.iter().position(|frame| frame[0] == 5).unwrap();
        let last = frames.iter().rposition(|frame| frame[0] == 2).unwrap();
        assert!(last < first, "every record went first");
    }
    pair.run();
    let all = pair.ana().replica.meeting(link);
    assert!(all.partner_has_all && all.have_all);
}

/// A session of Ana's with a device that does what it likes.
fn hostile(pair: &mut Pair) -> LinkId {
    let link = pair.connect();
    pair.run();
    link
}

fn rows(pair: &Pair, who: usize, table: Table) -> usize {
    let disk = &pair.devices[who].disk.now;
    disk.scan(table, &[], usize::MAX).unwrap().len()
}

#[test]
fn what_nobody_asked_for_is_refused_and_not_kept() {
    let (mut pair, _, blob) = with_photo(8, 400_000);
    let link = hostile(&mut pair);
    let (blobs, chunks) = (
        rows(&pair, ANA, Table::Blob),
        rows(&pair, ANA, Table::Chunk),
    );
    pair.ana_gets(link, &Frame::Chunk(vec![7; 131_150]).to_bytes());
    pair.ana_gets(link, &Frame::Chunk(Vec::new()).to_bytes());
    pair.ana_gets(link, &Frame::Chunk(vec![7; 900_000]).to_bytes());
    assert_eq!(pair.ana().refused().len(), 3);
    // Nothing is remembered of names that no entry has.
    pair.ana_gets(link, &Frame::Have(vec![[9; 32]; 64]).to_bytes());
    pair.ana_gets(link, &Frame::Lack(vec![[9; 32]; 64]).to_bytes());
    assert_eq!(
        (
            rows(&pair, ANA, Table::Blob),
            rows(&pair, ANA, Table::Chunk)
        ),
        (blobs, chunks)
    );
    // What is held comes again: only its acknowledgement goes back.
    let held = pair
        .ana()
        .disk
        .now
        .get(Table::Blob, &blob.chunks[0])
        .unwrap();
    pair.ana_gets(link, &Frame::Chunk(held.unwrap()).to_bytes());
    assert_eq!(
        pair.links[&link][BO].back(),
        Some(&Frame::Have(vec![blob.chunks[0]]).to_bytes())
    );
    for _ in 0..5 {
        assert!(pair.links.contains_key(&link));
        pair.ana_gets(link, &Frame::Chunk(vec![8; 5]).to_bytes());
    }
    assert!(!pair.links.contains_key(&link), "eight times are enough");
}

#[test]
fn a_chunk_of_another_length_than_its_entry_says_is_refused() {
    let mut pair = met_pair(9);
    let entry = pair.edit(BO, proposal("a photo")).unwrap();
    pair.meet();
    let long = vec![7; 100_000];
    let blob = BlobRef {
        key: amends_keys::blob::BlobKey::from_bytes(&[1; 32]),
        length: 10,
        chunks: vec![chunk_name(&long)],
    };
    note(&mut pair, ANA, entry, std::slice::from_ref(&blob));
    let link = pair.connect();
    pair.deliver(link, ANA);
    pair.ana_gets(link, &Frame::Chunk(long).to_bytes());
    assert_eq!(pair.ana().refused().len(), 1);
    assert_eq!(progress(&pair, ANA, &blob).here, 0);
    assert_eq!(rows(&pair, ANA, Table::Blob), 0);
}

#[test]
fn bytes_that_are_no_chunk_are_taken_by_name_and_do_not_open() {
    let mut pair = met_pair(10);
    let entry = pair.edit(BO, proposal("a photo")).unwrap();
    pair.meet();
    let noise = vec![7; amends_keys::blob::sealed_chunk_len(10, 0).unwrap()];
    let blob = BlobRef {
        key: amends_keys::blob::BlobKey::from_bytes(&[1; 32]),
        length: 10,
        chunks: vec![chunk_name(&noise)],
    };
    note(&mut pair, ANA, entry, std::slice::from_ref(&blob));
    let link = pair.connect();
    pair.deliver(link, ANA);
    pair.ana_gets(link, &Frame::Chunk(noise).to_bytes());
    assert_eq!(progress(&pair, ANA, &blob).here, 1);
    assert_eq!(
        read(&pair, ANA, &blob),
        Err(BlobError::Damaged { index: 0 })
    );
}

#[test]
fn asking_for_what_is_not_here_is_answered_and_a_flood_closes() {
    let (mut pair, _, _) = with_photo(11, 400_000);
    let link = hostile(&mut pair);
    let strange: Vec<ChunkName> = (0..64u8).map(|n| [n; 32]).collect();
    pair.ana_gets(link, &Frame::Ask(strange.clone()).to_bytes());
    let answer = pair.links[&link][BO].back().unwrap();
    assert_eq!(Frame::parse(answer), Ok(Frame::Lack(strange.clone())));
    pair.ana_gets(link, &Frame::Whether(strange.clone()).to_bytes());
    let answer = pair.links[&link][BO].back().unwrap();
    assert_eq!(Frame::parse(answer), Ok(Frame::Lack(strange)));
    assert!(pair.ana().refused().is_empty());

    // Whoever asks for ever new chunks and acknowledges none gets two.
    let (mut pair, _, blob) = with_photo(12, LONG);
    let link = pair.connect();
    pair.deliver(link, ANA);
    pair.links.get_mut(&link).unwrap()[BO].clear();
    for turn in 0..9u8 {
        let more = (0..50u8).map(|n| [turn.wrapping_mul(50).wrapping_add(n); 32]);
        let names: Vec<ChunkName> = blob.chunks.iter().take(10).copied().chain(more).collect();
        pair.ana_gets(link, &Frame::Ask(names).to_bytes());
    }
    assert!(!pair.links.contains_key(&link), "and the link is closed");
    assert!(pair.ana().refused()[0].contains("too many chunks"));
}

#[test]
fn a_list_of_names_of_another_form_closes_the_link() {
    let (mut pair, _, _) = with_photo(13, 1000);
    for frame in [&[4][..], &[6, 1, 2, 3], &[8; 100]] {
        let link = hostile(&mut pair);
        pair.ana_gets(link, frame);
        assert!(!pair.links.contains_key(&link));
    }
}

#[test]
fn what_entries_may_name_is_bounded() {
    let mut pair = met_pair(14);
    let entry = pair.edit(BO, proposal("photos")).unwrap();
    pair.meet();
    let mut next = 0u32;
    let mut blob = || {
        let length = amends_keys::blob::MAX_BLOB;
        let name = |_| {
            next += 1;
            let mut name = [0; 32];
            name[..4].copy_from_slice(&next.to_be_bytes());
            name
        };
        BlobRef {
            key: amends_keys::blob::BlobKey::from_bytes(&[1; 32]),
            length,
            chunks: (0..200).map(name).collect(),
        }
    };
    let many: Vec<BlobRef> = (0..8).map(|_| blob()).collect();
    note(&mut pair, ANA, entry, &many);
    let taken = MOST_OF_ENTRY / amends_keys::blob::MAX_BLOB;
    assert_eq!(taken, 5);
    assert_eq!(pair.ana().replica.chunks_to_come(), 5 * 200);
    assert!(progress(&pair, ANA, &many[4]).coming);
    assert!(!progress(&pair, ANA, &many[5]).coming);

    // Of all entries together, too. A few chunks more or less stand for what is sealed around each.
    for n in 1..=40u8 {
        let photos: Vec<BlobRef> = (0..5).map(|_| blob()).collect();
        note(&mut pair, ANA, EntryId([n; 16]), &photos);
    }
    let most = 4 * 1024 * 8;
    let to_come = pair.ana().replica.chunks_to_come();
    assert!((most - 400..=most).contains(&to_come), "{to_come}");
    // It is remembered, and what is named no more makes room.
    pair.restart(ANA, false);
    assert_eq!(pair.ana().replica.chunks_to_come(), to_come);
    note(&mut pair, ANA, entry, &[]);
    assert_eq!(pair.ana().replica.chunks_to_come(), to_come - 1000);
    let more = blob();
    note(&mut pair, ANA, entry, std::slice::from_ref(&more));
    assert!(progress(&pair, ANA, &more).coming);
    assert_eq!(rows(&pair, ANA, Table::Blob), 0);
}

#[test]
fn an_older_partner_is_sent_none_of_it() {
    let (mut pair, _, blob) = with_photo(15, 400_000);
    let link = pair.connect();
    // Bo's device as it was before: its clock says nothing of chunks.
    let queue = &mut pair.links.get_mut(&link).unwrap()[ANA];
    for frame in queue.iter_mut() {
        if frame[0] == 1 {
            frame[2] = 0;
        }
    }
    while pair.deliver(link, ANA) {}
    let kinds: Vec<u8> = pair.links[&link][BO].iter().map(|frame| frame[0]).collect();
    assert!(kinds.iter().all(|kind| *kind <= 2), "{kinds:?}");
    // It cannot say that it has the photo, and so that is not said of it; nor is anything waited for.
    let meeting = pair.ana().replica.meeting(link);
    assert!(!meeting.partner_has_all && meeting.have_all && meeting.at_rest);
    assert!(!progress(&pair, ANA, &blob).reached);
}

#[test]
fn a_device_that_wants_no_photo_is_not_said_to_have_it() {
    let mut pair = met_pair(21);
    let entry = pair.edit(ANA, proposal("a day by the sea")).unwrap();
    pair.meet();
    let blob = keep(&mut pair, ANA, &photo(400_000));
    note(&mut pair, ANA, entry, std::slice::from_ref(&blob));
    // Bo's device takes no more photos, so it wants none: all that was said, and it has nothing of this one.
    let link = pair.connect();
    while !pair.links[&link].iter().all(|queue| queue.is_empty()) {
        assert!(!pair.ana().replica.meeting(link).partner_has_all);
        pair.run_for(1);
    }
    assert_eq!(progress(&pair, BO, &blob).here, 0);
    let meeting = pair.ana().replica.meeting(link);
    assert!(!meeting.partner_has_all && meeting.at_rest, "{meeting:?}");
    // Once it does, it is waited for, and said only when every piece has come.
    note(&mut pair, BO, entry, std::slice::from_ref(&blob));
    while !pair.links[&link].iter().all(|queue| queue.is_empty()) {
        let meeting = pair.ana().replica.meeting(link);
        let there = progress(&pair, BO, &blob).here == blob.chunks.len();
        assert!(there || !meeting.partner_has_all);
        pair.run_for(1);
    }
    let meeting = pair.ana().replica.meeting(link);
    assert!(meeting.partner_has_all && meeting.at_rest, "{meeting:?}");
    assert_whole(&pair, &blob);
}

#[test]
fn before_an_answer_came_nothing_is_said_of_a_photo() {
    let (mut pair, _, blob) = with_photo(22, 400_000);
    pair.meet();
    assert_whole(&pair, &blob);
    // Ana's device lost in a power cut what Bo's had said, and he has it: the clocks alone do not tell.
    let gathered = |replica: &mut crate::Replica, world: &mut crate::World<'_>| {
        let mut gathered = Gathered::new(world.shelf);
        for name in &blob.chunks {
            replica.blobs.said(&mut gathered, name, false)?;
        }
        let writes = gathered.into_writes();
        let durable = true;
        Ok(vec![Effect::Save { writes, durable }])
    };
    pair.act(ANA, gathered).unwrap();
    let link = pair.connect();
    while pair.links[&link][ANA].iter().any(|frame| frame[0] == 1) {
        pair.deliver(link, ANA);
    }
    let meeting = pair.ana().replica.meeting(link);
    assert!(meeting.have_all && !meeting.partner_has_all && !meeting.at_rest);
    pair.run();
    let meeting = pair.ana().replica.meeting(link);
    assert!(meeting.partner_has_all && meeting.at_rest);
}

#[test]
fn a_chunk_that_was_damaged_on_the_disk_comes_back_from_the_other() {
    let (mut pair, _, blob) = with_photo(16, 400_000);
    pair.meet();
    assert_whole(&pair, &blob);
    let damaged = Write::Put {
        table: Table::Blob,
        key: blob.chunks[1].to_vec(),
        value: vec![1; 131_150],
    };
    pair.devices[ANA].disk.now.commit(&[damaged]);
    assert_eq!(
        read(&pair, ANA, &blob),
        Err(BlobError::Damaged { index: 1 })
    );
    // Bo lost it as well, and asks for it: so Ana's device looks.
    let link = pair.connect();
    pair.run();
    pair.ana_gets(link, &Frame::Ask(vec![blob.chunks[1]]).to_bytes());
    pair.run();
    assert_whole(&pair, &blob);
}

#[test]
fn a_second_link_takes_over_what_the_first_was_asked_for() {
    let (mut pair, _, blob) = with_photo(17, LONG);
    let (first, second) = (pair.connect(), pair.connect());
    pair.run_for(30);
    assert!(on_the_way(&pair, second, BO).is_empty(), "one link serves");
    pair.cut(first);
    pair.run();
    assert_whole(&pair, &blob);
    pair.cut(second);
}

#[test]
fn a_few_are_asked_for_at_a_time() {
    let (mut pair, _, _) = with_photo(18, LONG);
    let link = pair.connect();
    while pair.deliver(link, BO) {}
    let asks = |frame: &Vec<u8>| match Frame::parse(frame) {
        Ok(Frame::Ask(names)) => names.len(),
        _ => 0,
    };
    let asked: usize = pair.links[&link][ANA].iter().map(asks).sum();
    assert_eq!(asked, ASKED);
    pair.feed(ANA, Input::Parted { link }).unwrap();
}
