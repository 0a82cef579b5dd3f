//! What a device does with an input: it performs what its replica wants done, in order, until something befalls it.

use amends_replica::{Effect, HandleError, Input, LinkId, Replica, World as Given};

use crate::dice::Dice;
use crate::disk::{Failed, Unsaved};
use crate::world::{Fault, Fed, NAMES, Planted, World};

impl World {
    pub fn feed(&mut self, who: usize, input: Input<'_>) -> Fed {
        self.feed_and(who, input, |_, _| {})
    }

    /// Gives one input to a device and performs what it wants done, in order, until something befalls it.
    pub fn feed_and(
        &mut self,
        who: usize,
        input: Input<'_>,
        mut look: impl FnMut(&mut Self, &[Effect]),
    ) -> Fed {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            if matches!(input, Input::Continue) && self.truth.aside[who].relapses_now() {
                self.stop(who, false);
                return Fed::Broken;
            }
            let now = self.now;
            let device = &mut self.devices[who];
            let Some(replica) = device.replica.as_mut() else {
                return Fed::Broken;
            };
            let mut given = Given {
                now: device.clock.at(now),
                rng: &mut device.rng,
                shelf: device.disk.shelf(),
            };
            let mut effects = match replica.handle(&mut given, input) {
                Ok(effects) => effects,
                Err(HandleError::Edit(error)) => return Fed::Refused(error),
                Err(error) => panic!("{} cannot go on: {error}", NAMES[who]),
            };
            look(self, &effects);
            if self.nature.planted == Some(Planted::SendsFirst) {
                effects.sort_by_key(|effect| !matches!(effect, Effect::Send { .. }));
            }
            for effect in effects {
                if self.is_befallen(who) {
                    return Fed::Broken;
                }
                match effect {
                    Effect::Save { writes, durable } => {
                        if self.save(who, writes, durable).is_err() {
                            return Fed::Broken;
                        }
                    }
                    Effect::Show(shown) => {
                        self.tell(|| format!("{} sees {shown:?}", NAMES[who]));
                        let device = &self.devices[who];
                        if let Some(replica) = &device.replica {
                            self.truth.shown(who, replica, &shown);
                        }
                    }
                    Effect::Send { link, frame } => {
                        self.net.send(link, who, frame, now, &mut self.rng);
                    }
                    Effect::Close { link, reason } => {
                        assert!(self.truth.wild, "a link was closed: {reason}");
                        if let Some(line) = self.net.line(who, link) {
                            self.net.cut(line, now, &mut self.rng);
                        }
                    }
                    Effect::Continue => next = Some(Input::Continue),
                }
                let device = &self.devices[who];
                if let Some(replica) = &device.replica {
                    self.truth.reached(who, replica, &device.disk);
                    for link in self.net.open_at(who) {
                        if replica.meeting(link).partner_has_all {
                            self.truth.has_all(who, replica, &device.disk);
                        }
                    }
                }
            }
        }
        self.nothing_false_is_said_of_meetings(who);
        Fed::Whole
    }

    pub fn save(
        &mut self,
        who: usize,
        writes: Vec<amends_replica::Write>,
        durable: bool,
    ) -> Result<(), Failed> {
        let device = &mut self.devices[who];
        let fails = match device.fault {
            Some((Fault::SaveFails, 0)) => Some(Unsaved::Nothing),
            Some((Fault::SaveUnsure, 0)) => Some(Unsaved::There),
            _ => None,
        };
        if fails.is_some() {
            device.fault = None;
        }
        if matches!(fails, Some(Unsaved::There)) {
            self.truth.aside[who].stopped += 1;
        }
        if self.nature.planted == Some(Planted::ForgetsToSave) && self.rng.chance(10) {
            return Ok(());
        }
        let (said, kept) = device.disk.commit(writes, durable, fails);
        self.truth.kept(who, &device.disk, &kept);
        match said {
            Ok(()) => Ok(()),
            Err(Failed) if self.nature.planted == Some(Planted::ShowsUnsaved) => Ok(()),
            Err(Failed) => {
                self.count("a save failed");
                let device = &mut self.devices[who];
                if let Some(replica) = &device.replica {
                    let again = replica.reload(device.disk.shelf());
                    device.replica = Some(again.expect("what was saved can be loaded"));
                }
                self.came_up(who);
                self.net.forget(who, self.now, &mut self.rng);
                Err(Failed)
            }
        }
    }

    /// Whether the device's fault comes now, before its next effect.
    pub fn is_befallen(&mut self, who: usize) -> bool {
        match &mut self.devices[who].fault {
            Some((fault @ (Fault::Killed | Fault::PowerCut), 0)) => {
                let power = *fault == Fault::PowerCut;
                self.stop(who, power);
                true
            }
            Some((_, left)) => {
                *left = left.saturating_sub(1);
                false
            }
            None => false,
        }
    }

    pub fn stop(&mut self, who: usize, power: bool) {
        self.count(if power {
            "a power cut"
        } else {
            "a process killed"
        });
        self.truth.aside[who].stopped += 1;
        let device = &mut self.devices[who];
        device.fault = None;
        device.replica = None;
        if power {
            device.disk.power_cut(&mut self.rng);
        }
        self.net.forget(who, self.now, &mut self.rng);
        if self.rng.chance(70) {
            self.start(who);
        }
    }

    /// Starts a device's process where it is not running.
    pub fn start(&mut self, who: usize) {
        let device = &mut self.devices[who];
        if device.replica.is_none() {
            let replica = Replica::load(device.disk.shelf());
            device.replica = Some(replica.expect("what was saved can be loaded"));
            self.came_up(who);
        }
    }

    pub fn came_up(&mut self, who: usize) {
        let device = &self.devices[who];
        if let Some(replica) = &device.replica {
            self.truth.came_up(who, replica, &device.disk);
        }
    }

    pub fn copy_or_restore(&mut self, who: usize) {
        let device = &mut self.devices[who];
        let Some(copy) = device.copy.take() else {
            // A copy is of what is on the disk for good.
            let mut copy = device.disk.clone();
            copy.power_cut(&mut self.rng);
            device.copy = Some(copy);
            return;
        };
        self.count("an old copy put back");
        self.tell(|| format!("{} is put back to an older copy", NAMES[who]));
        self.stop(who, true);
        let device = &mut self.devices[who];
        device.replica = None;
        device.disk = copy;
        device.waits = true;
        // What was written since may be in a file and nowhere else, and its numbers are given anew.
        self.files.clear();
        // What counted as held by the other may be gone there now.
        for (of, device) in self.devices.iter_mut().enumerate() {
            let there = std::mem::take(&mut device.confirmed_there);
            self.truth.confirm_again(of, there, &|_| u64::MAX);
        }
        let [a, b] = &self.devices;
        self.truth.went_back([&a.disk, &b.disk]);
        for (of, device) in self.devices.iter_mut().enumerate() {
            if device.waits {
                device.confirmed_there = self.truth.forget_confirmed(of);
            }
        }
        self.start(who);
    }

    /// Whether a device that was put back has its log whole again.
    pub fn find_place(&mut self, who: usize, link: LinkId) {
        let device = &mut self.devices[who];
        let Some(replica) = &device.replica else {
            return;
        };
        device.waits &= !replica.knows_its_place(link);
        if !device.waits && !device.confirmed_there.is_empty() {
            let was = std::mem::take(&mut device.confirmed_there);
            let clock = replica.clock();
            device.confirmed_there = self.truth.confirm_again(who, was, &|log| clock.seq(log));
            self.came_up(who);
        }
    }
}
