//! What goes between the two: sessions, and files that are carried by hand.

use amends_replica::{BundleParser, Input, LinkId, World as Given};

use crate::dice::Dice;
use crate::network::{Arrival, Line};
use crate::world::{Fed, File, NAMES, World};

/// In so many of a hundred meetings both dial at once.
const BOTH_DIAL: usize = 30;

impl World {
    /// The two meet: over one link, or over two where both dialled, beside one that stands already, perhaps.
    pub fn connect(&mut self) {
        let most = [0, 1]
            .map(|who| self.net.open_at(who).len())
            .into_iter()
            .max();
        let mut lines: Vec<Line> = match (most, self.rng.chance(BOTH_DIAL)) {
            (Some(0), true) => vec![self.net.new_line(), self.net.new_line()],
            (Some(0 | 1), _) => vec![self.net.new_line()],
            _ => return,
        };
        for who in [0, 1] {
            self.start(who);
        }
        self.tell(|| format!("{lines:?} are open"));
        for who in [0, 1] {
            for line in &lines {
                self.open_end(*line, who);
            }
            // They need not be open at both in one order.
            if self.rng.chance(50) {
                lines.reverse();
            }
        }
    }

    fn open_end(&mut self, line: Line, who: usize) {
        // The first may have failed meanwhile.
        if self.devices[0].replica.is_none() {
            self.net.cut(line, self.now, &mut self.rng);
            return;
        }
        let Some(link) = self.net.opened(line, who) else {
            return;
        };
        self.tell(|| format!("{line:?} is {link:?} of {}", NAMES[who]));
        let device = self.devices[1 - who].static_key;
        if self.feed(who, Input::Met { link, device }) == Fed::Broken {
            self.net.cut(line, self.now, &mut self.rng);
        }
    }

    /// Lets so many things arrive, those that are due until an hour.
    pub fn deliver(&mut self, most: usize, until: i64) -> usize {
        for count in 0..most {
            let Some((due, who, link, arrival)) = self.net.next(until) else {
                return count;
            };
            self.now = self.now.max(due);
            match arrival {
                Arrival::Frame(frame) => {
                    self.tell(|| {
                        let kind = frame.first().copied().unwrap_or(0);
                        format!(
                            "{} gets a frame {kind} of {} bytes over {link:?}",
                            NAMES[who],
                            frame.len()
                        )
                    });
                    let frame = &frame;
                    self.told(who, link, frame);
                    self.feed(who, Input::Received { link, frame });
                    self.find_place(who, link);
                }
                Arrival::Parted => {
                    self.tell(|| format!("{} learns that {link:?} is over", NAMES[who]));
                    self.feed(who, Input::Parted { link });
                }
            }
        }
        most
    }

    pub fn write_bundle(&mut self, who: usize) {
        self.start(who);
        let now = self.now;
        let all = self.rng.chance(30);
        let device = &mut self.devices[who];
        let Some(replica) = &device.replica else {
            return;
        };
        let mut given = Given {
            now: device.clock.at(now),
            rng: &mut device.rng,
            shelf: device.disk.shelf(),
        };
        let mut writer = replica.begin_bundle(all);
        let mut bytes = Vec::new();
        while let Some(more) = replica.write_bundle(&mut given, &mut writer).unwrap() {
            bytes.extend_from_slice(&more);
        }
        let records = writer.records();
        self.count("a bundle written");
        self.tell(|| format!("{} writes a bundle of {records} records", NAMES[who]));
        self.files.push(File { bytes });
    }

    /// Reads any file, whoever wrote it: whole, or cut short or damaged on its way.
    pub fn read_bundle(&mut self, who: usize) {
        self.start(who);
        let Some(mut bytes) = self.rng.one(&self.files).map(|file| file.bytes.clone()) else {
            return;
        };
        let damaged = self.rng.chance(15);
        if damaged && self.rng.chance(50) {
            bytes.truncate(self.rng.below(bytes.len()));
        } else if damaged {
            let at = self.rng.below(bytes.len());
            bytes[at] ^= 1 << self.rng.below(8);
        }
        self.count("a bundle read");
        self.tell(|| format!("{} reads a bundle, damaged: {damaged}", NAMES[who]));
        self.next_file += 1;
        let link = LinkId(self.next_file);
        let (mut parser, mut fed) = (BundleParser::default(), Fed::Whole);
        parser.give(&bytes);
        if self.feed(who, Input::BundleOpened { link }) != Fed::Whole {
            return;
        }
        while let (Fed::Whole, Ok(Some(item))) = (&fed, parser.next_item()) {
            fed = self.feed(who, Input::Bundled { link, item: &item });
            // Meanwhile the network goes on.
            if self.rng.chance(20) {
                self.deliver(2, self.now + 1_000);
            }
        }
        if fed == Fed::Whole {
            self.feed(who, Input::BundleClosed { link });
        }
    }
}
