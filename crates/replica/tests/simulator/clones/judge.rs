//! What must hold with two copies of one home: of what is shown, between any two effects, and in the end.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::{Entry, EntryId, Part};
use amends_keys::identity::LogKey;
use amends_keys::seal;
use amends_replica::{Shown, Table, Whose, Write};

use super::{ANA, BO, COPY, Clones, Home, NAMES};
use crate::aside::{Unapplied, own_logs};
use crate::invariants::{AtRest, Records, Truth, envelopes_on, hash_on, held, shows_its_disk};

impl Home {
    /// Looks for the numbers of its logs: where a log's last record lies. A log that was left with all it held takes its number
    /// along, so that they cannot be counted.
    pub(super) fn find_numbers(&mut self) {
        let Some(replica) = &self.replica else {
            return;
        };
        let clock = replica.clock();
        for (log, at) in clock.0.iter().filter(|(_, at)| at.seq > 0) {
            let is = |number: &u32| hash_on(&self.disk, Some(number), at.seq) == Some(at.head);
            if self.numbers.get(log).is_some_and(is) {
                continue;
            }
            if let Some(number) = (0..20).find(is) {
                self.numbers.insert(*log, number);
            }
        }
    }
}

impl Clones {
    pub(super) fn judge(&mut self, who: usize, shown: &Shown) {
        match shown {
            Shown::SetAside { whose, seq, reason } => {
                self.homes[who].aside.shows(*whose, *seq, reason);
                self.count("set aside as what stops the program");
            }
            // On line at once, both copies show him their branch, and he can hold one alone.
            Shown::Refused(reason) if who == BO && self.nature.at_once => {
                let fork =
                    reason.starts_with("another record") || reason.contains("does not follow");
                assert!(fork, "Bo refuses honest bytes: {reason}");
                self.count("a branch refused by Bo");
            }
            Shown::Refused(reason) => panic!("{} refuses honest bytes: {reason}", NAMES[who]),
            Shown::Began(began) => {
                self.count("a new incarnation");
                assert_eq!(began.left, 0, "something could not be carried over");
                if !began.carried.is_empty() {
                    self.count("something carried over");
                }
            }
            Shown::Fork(Whose::Mine) if who != BO => self.count("a branch of one's own seen"),
            Shown::OlderCopy => self.count("an older copy seen"),
            _ => {}
        }
    }

    /// Whether a record among these has the word in it.
    pub(super) fn writes_word(&self, writes: &[Write], word: &str) -> bool {
        writes.iter().any(|write| {
            let Write::Put {
                table: Table::Envelope,
                value,
                ..
            } = write
            else {
                return false;
            };
            let opened = seal::open(value, &self.epoch_0, &self.journal).unwrap();
            opened.records().any(|(bytes, _)| has(bytes, word))
        })
    }

    /// Bo never holds another record under a number than he did.
    pub(super) fn no_number_twice(&mut self) {
        let home = &mut self.homes[BO];
        home.find_numbers();
        let clock = home.replica.as_ref().unwrap().clock();
        for (log, number) in &home.numbers {
            for seq in 1..=clock.seq(log) {
                let Some(hash) = hash_on(&home.disk, Some(number), seq) else {
                    continue;
                };
                let known = *self.at_bo.entry((*log, seq)).or_insert(hash);
                assert_eq!(known, hash, "number {seq} of a log was used twice");
            }
        }
    }

    /// What is shown as reached was on the other's disk for good: on Bo's, or on that of one of the two copies.
    pub(super) fn reached(&mut self, who: usize) {
        self.homes[who].find_numbers();
        let home = &self.homes[who];
        let Some(replica) = &home.replica else {
            return;
        };
        let mut last: BTreeMap<LogKey, u64> = BTreeMap::new();
        for (_, card) in replica.cards().filter(|(_, card)| replica.reached(card)) {
            let present = (replica.log(), card.mine);
            for (log, seq) in card.earlier.iter().copied().chain([present]) {
                let known = last.entry(log).or_insert(0);
                *known = seq.max(*known);
            }
        }
        for (log, last) in last {
            for seq in 1..=last {
                let hash = hash_on(&home.disk, home.numbers.get(&log), seq);
                // A copy is just getting back its own from Bo.
                let Some(hash) = hash else {
                    continue;
                };
                let there = match who {
                    BO => [ANA, COPY]
                        .iter()
                        .filter_map(|copy| self.homes.get(*copy))
                        .any(|copy| copy.ever.contains(&hash)),
                    _ => self.homes[BO].ever.contains(&hash),
                };
                assert!(
                    there,
                    "{} says that record {seq} has reached, and it never was on the other's disk",
                    NAMES[who]
                );
            }
        }
    }

    /// All three are at rest: they hold the same, and all of what was confirmed.
    pub(super) fn look(&mut self) {
        let everybody = [ANA, BO, COPY];
        let clocks = everybody.map(|who| held(self.homes[who].replica.as_ref().unwrap()));
        for copy in [ANA, COPY] {
            assert!(
                clocks[copy] == clocks[BO],
                "{} and Bo do not hold the same: {:?} {:?}",
                NAMES[copy],
                clocks[copy],
                clocks[BO]
            );
        }
        let logs = self.homes[BO].replica.as_ref().unwrap().incarnations();
        let anas = logs
            .iter()
            .filter(|log| log.whose == Whose::Partners)
            .count();
        assert!(anas <= 3, "each copy begins anew once at the most: {anas}");
        let records = everybody.map(|who| self.records_of(who));
        let aside = everybody.map(|who| {
            let home = &self.homes[who];
            let replica = home.replica.as_ref().unwrap();
            let disk = home.disk.durable();
            home.aside.at_rest(replica, disk, &records[who])
        });
        // What one of them sets aside is not there as it is at the others.
        let apart: BTreeSet<EntryId> = aside.iter().flat_map(Unapplied::entries).collect();
        let mut parts = Vec::new();
        for who in everybody {
            self.all_confirmed_is_in(who, &records[who]);
            let home = &mut self.homes[who];
            let mut at_rest = AtRest {
                replica: home.replica.as_mut().unwrap(),
                disk: &home.disk,
            };
            Truth::default().parts_are_the_records(&mut at_rest, &records[who], &aside[who]);
            let mut seen = self.parts_of(who);
            seen.retain(|entry, _| !apart.contains(entry));
            parts.push(seen);
            self.is_shown(who, &aside);
        }
        assert_eq!(parts[ANA], parts[BO]);
        assert_eq!(parts[COPY], parts[BO]);
        if anas > 1 {
            self.count("worlds with more than one log of Ana's");
        }
    }

    /// The records that a home counts as held, opened and verified anew. Of a branch that was left, what is not counted any more
    /// is still in its envelopes.
    fn records_of(&mut self, who: usize) -> Records {
        let home = &mut self.homes[who];
        home.find_numbers();
        let mut records = Records::new();
        for (hash, record) in envelopes_on(home.disk.durable(), &self.journal, &self.epoch_0) {
            let number = home.numbers.get(&record.log);
            if hash_on(&home.disk, number, record.seq) == Some(hash.0) {
                records.insert((record.log, record.seq), (hash, record));
            }
        }
        records
    }

    /// Whatever was confirmed anywhere is in what this home holds, be it applied or set aside.
    fn all_confirmed_is_in(&self, who: usize, records: &Records) {
        let mut payloads = Vec::new();
        for (log, (last, _)) in held(self.homes[who].replica.as_ref().unwrap()) {
            for seq in 1..=last {
                let held = records.get(&(log, seq));
                let (_, record) = held.expect("what is counted as held is there");
                payloads.push(&record.payload);
            }
        }
        for (word, by) in &self.confirmed {
            assert!(
                payloads.iter().any(|payload| has(payload, word)),
                "{word}, confirmed by {}, is lost at {}",
                NAMES[*by],
                NAMES[who]
            );
        }
    }

    /// For each entry the heads of its parts, the shared one, Ana's and Bo's.
    fn parts_of(&mut self, who: usize) -> BTreeMap<EntryId, [Vec<[u8; 32]>; 3]> {
        let home = &mut self.homes[who];
        let replica = home.replica.as_mut().unwrap();
        let ids: Vec<EntryId> = replica.cards().map(|(id, _)| *id).collect();
        let mut parts = BTreeMap::new();
        for id in ids {
            let of =
                |entry: &Entry<'_>| [entry.shared, entry.mine, entry.partners].map(Part::heads);
            let [shared, mine, partners] = replica.look(home.disk.shelf(), &id, of).unwrap();
            let of_two = if who == BO {
                [shared, partners, mine]
            } else {
                [shared, mine, partners]
            };
            parts.insert(id, of_two);
        }
        parts
    }

    /// What a home shows is so, and is on its disk.
    fn is_shown(&self, who: usize, aside: &[Unapplied; 3]) {
        let home = &self.homes[who];
        let replica = home.replica.as_ref().unwrap();
        // Bo knows of the copy that he met last.
        let there = if who == BO { ANA } else { BO };
        let not_readable = aside[there].entries_of(&own_logs(replica));
        // What Bo cannot read he asks no photos of, and can hand none on.
        let at_bo = aside[BO].entries();
        for (id, card) in replica.cards() {
            assert!(
                replica.reached(card),
                "all has reached, and {} does not say so of {id:?}",
                NAMES[who]
            );
            assert!(!card.unread);
            assert_eq!(
                card.not_readable_there,
                not_readable.contains(id),
                "{} says another thing of what the other cannot read",
                NAMES[who]
            );
            for photo in card.blobs() {
                let read = replica.read_blob(home.disk.shelf(), &photo);
                let unheard = who != BO && at_bo.contains(id);
                assert!(read.is_ok() || unheard, "a photo is not at {}", NAMES[who]);
            }
        }
        shows_its_disk(NAMES[who], replica, &home.disk);
    }
}

fn has(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}
