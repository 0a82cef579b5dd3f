//! Packets: an exact list of entries, agreed by both, and what a counselor reads of them
//! (`docs/decisions/0033-a-packet-is-an-exact-list.md`).

use std::collections::BTreeMap;

use amends_journal::packet::{Item, List, ListError};
use amends_journal::{EntryId, EntryKind, State};
use amends_replica::{Beginnings, Change, Edit, Words};

use super::App;
use super::answers::{Store, Typed, beginning};
use super::exports::Handed;
use crate::advice::Advice;
use crate::document::{Document, Section};
use crate::reading;
use crate::request::{
    AgreementRequest, Entry, Failure, Packet, PacketItem, PacketPages, PacketRequest,
    PacketStanding, Response,
};

const KIND: &str = "packet";

/// A packet as it stands here.
struct Looked {
    entry: Entry,
    readable: bool,
    items: Vec<PacketItem>,
    document: Document,
    state: State,
}

impl App {
    /// One of the verbs of a packet.
    pub(super) fn packet(&mut self, request: PacketRequest) -> Result<Response, Failure> {
        match request {
            PacketRequest::New {
                entries,
                title,
                language,
            } => {
                self.replica()?;
                let typed = Typed {
                    language: language.clone(),
                    ..Typed::default()
                };
                let text = list_of(self.listed(&entries)?)?.to_string();
                let words = Words {
                    title,
                    text,
                    language,
                    ..Words::default()
                };
                let begin = Edit::Begin(Beginnings {
                    kind: EntryKind::Packet,
                    role: 0,
                    from: None,
                    words: Some(words),
                    agreed: true,
                    says: Vec::new(),
                });
                self.answer(Store::Journal, begin, &typed)
            }
            PacketRequest::Add { id, entries } => {
                let (packet, list) = self.list_in(&id)?;
                let added = self.listed(&entries)?;
                let items = list.items().iter().copied().chain(added);
                self.put_list(&id, packet, &list_of(items)?)
            }
            PacketRequest::Remove { id, entries } => {
                let (packet, list) = self.list_in(&id)?;
                let mut left: BTreeMap<EntryId, Item> = list
                    .items()
                    .iter()
                    .map(|item| (item.entry, *item))
                    .collect();
                let ids: Vec<EntryId> = left.keys().copied().collect();
                for typed in &entries {
                    // Among those on the list: one that is not here can be taken off it too.
                    let gone = EntryId::find(typed, &ids)
                        .map_err(|_| Advice::PacketWithout { id: typed.clone() })?;
                    left.remove(&gone);
                }
                self.put_list(&id, packet, &list_of(left.into_values())?)
            }
            PacketRequest::Preview { id } => {
                let looked = self.look_at_packet(&id)?;
                Ok(Response::Packet(Box::new(Packet {
                    page: reading::plain(&looked.document),
                    entry: looked.entry,
                    readable: looked.readable,
                    items: looked.items,
                })))
            }
            PacketRequest::Agree { id, expect_hash } => {
                self.whole(&id)?;
                let ask = AgreementRequest::Agree { id, expect_hash };
                self.agreement(KIND, ask)
            }
            PacketRequest::Hand { id } => {
                let looked = self.whole(&id)?;
                // An older list may be in force while a newer one waits; that one is not what stands here.
                if looked.state != State::Agreed {
                    return Err(Advice::PacketNotAgreed { id }.into());
                }
                Ok(Response::PacketPages(Box::new(PacketPages {
                    html: looked.document.to_html(),
                    markdown: looked.document.to_markdown(|_, _| None),
                    entries: looked.items.len() as u64,
                })))
            }
        }
    }

    /// Entries of the journal as a list names them now.
    fn listed(&mut self, typed: &[String]) -> Result<Vec<Item>, Failure> {
        typed.iter().map(|typed| self.listed_one(typed)).collect()
    }

    fn listed_one(&mut self, typed: &str) -> Result<Item, Failure> {
        let id = match self.find_anywhere(typed)? {
            (Store::Journal, id) => id,
            (Store::Private, _) => {
                let id = typed.to_owned();
                return Err(Advice::PacketPrivate { id }.into());
            }
        };
        self.must_not_be_kept(&id)?;
        let item = self.look(Store::Journal, &id, |entry| entry.listed())?;
        if item.kind == EntryKind::Packet {
            let id = typed.to_owned();
            return Err(Advice::PacketOfPackets { id }.into());
        }
        Ok(item)
    }

    /// A packet and its list, to be changed.
    fn list_in(&mut self, id: &str) -> Result<(EntryId, List), Failure> {
        let packet = self.find_of(KIND, id)?;
        let text = self.look(Store::Journal, &packet, |entry| {
            entry.agreement().current.text
        })?;
        match text.parse() {
            Ok(list) => Ok((packet, list)),
            Err(_) => Err(Advice::PacketUnreadable { id: id.to_owned() }.into()),
        }
    }

    fn put_list(&mut self, id: &str, packet: EntryId, list: &List) -> Result<Response, Failure> {
        let change = Change {
            text: Some(list.to_string()),
            ..Change::default()
        };
        let edit = Edit::Change {
            entry: packet,
            change,
        };
        self.answer(Store::Journal, edit, &Typed::id(id))
    }

    /// A packet whose list can be read and names what is here as it is.
    fn whole(&mut self, id: &str) -> Result<Looked, Failure> {
        let looked = self.look_at_packet(id)?;
        if !looked.readable {
            return Err(Advice::PacketUnreadable { id: id.to_owned() }.into());
        }
        let of = |standing| -> Vec<String> {
            let items = looked.items.iter().filter(|item| item.standing == standing);
            items.map(|item| item.id.clone()).collect()
        };
        let (missing, changed) = (of(PacketStanding::NotHere), of(PacketStanding::Changed));
        if !missing.is_empty() {
            return Err(Advice::PacketNotHere {
                id: id.to_owned(),
                entries: missing.join(", "),
            }
            .into());
        }
        if !changed.is_empty() {
            return Err(Advice::PacketChanged {
                id: id.to_owned(),
                entries: changed.join(", "),
                again: changed.join(" "),
            }
            .into());
        }
        Ok(looked)
    }

    fn look_at_packet(&mut self, id: &str) -> Result<Looked, Failure> {
        let packet = self.find_of(KIND, id)?;
        let state = self.look(Store::Journal, &packet, |entry| entry.agreement().state)?;
        let entry = self.whole_entry(Store::Journal, &packet)?;
        let list: Result<List, _> = entry.own.words().parse();
        let mut items = Vec::new();
        let mut sections: Vec<(String, EntryId, Section)> = Vec::new();
        for item in list.iter().flat_map(|list| list.items()) {
            let (shown, section) = self.look_at_item(item)?;
            items.push(shown);
            if let Some((created, section)) = section {
                sections.push((created, item.entry, section));
            }
        }
        sections.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let mut names = [
            self.name_of(amends_replica::Whose::Mine),
            self.partner_name(),
        ];
        names.sort();
        let document = Document {
            title: entry.title.clone(),
            language: "en".to_owned(),
            intro: vec![format!(
                "From the journal of {}. Both agreed to hand on exactly this, and nothing else of it.",
                names.join(" and ")
            )],
            sections: sections
                .into_iter()
                .map(|(_, _, section)| section)
                .collect(),
        };
        Ok(Looked {
            readable: list.is_ok(),
            entry,
            items,
            document,
            state,
        })
    }

    /// One entry that a list names, and what would be read of it, with when it was begun.
    fn look_at_item(
        &mut self,
        item: &Item,
    ) -> Result<(PacketItem, Option<(String, Section)>), Failure> {
        let kind = item.kind.name().to_owned();
        let known = self
            .replica()?
            .card(&item.entry)
            .is_some_and(|card| EntryKind::from_byte(card.kind).is_some());
        // What waits for the end of a space is not shown by a list that names it.
        let here = known && self.must_not_be_kept(&item.entry).is_ok();
        let now = match here {
            true => self
                .look(Store::Journal, &item.entry, |entry| entry.listed())
                .ok(),
            false => None,
        };
        let Some(now) = now else {
            let gone = PacketItem {
                id: item.entry.to_string(),
                kind,
                title: String::new(),
                standing: PacketStanding::NotHere,
            };
            return Ok((gone, None));
        };
        let Handed {
            entry, language, ..
        } = self.handed(Store::Journal, &item.entry)?;
        let title = match entry.title.trim() {
            "" => beginning(entry.own.words()),
            title => title.to_owned(),
        };
        let shown = PacketItem {
            id: entry.id.clone(),
            kind,
            title,
            standing: if now == *item {
                PacketStanding::AsListed
            } else {
                PacketStanding::Changed
            },
        };
        let section = reading::section(&entry, &language);
        Ok((shown, Some((entry.created, section))))
    }
}

fn list_of(items: impl IntoIterator<Item = Item>) -> Result<List, Failure> {
    List::new(items).map_err(|error| match error {
        ListError::TooMany => Advice::PacketTooLong {
            limit: amends_journal::packet::MOST as u64,
        }
        .into(),
        _ => Advice::PacketEmpty.into(),
    })
}
