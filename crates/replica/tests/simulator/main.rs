//! The simulator: two devices, their disks, clocks and the network between them, with everything that can befall them, out of
//! one number. The same number gives the same world, step for step.
//!
//! `AMENDS_LONG=1` plays ten thousand numbers, `AMENDS_SEEDS=N` as many as one likes; `AMENDS_SEED=N` plays one of them and
//! prints its story.
#![allow(unreachable_pub, reason = "its modules are its own")]

mod aside;
mod clock;
mod clones;
mod device;
mod dice;
mod disk;
mod invariants;
mod meetings;
mod network;
mod people;
mod said;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aside::Aside;
use clock::{DAY, HOUR, SECOND};
use clones::Clones;
use dice::Dice;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use world::{Nature, Planted, World};

/// Played by `cargo test`.
const SEEDS: u64 = 150;
/// Played with `AMENDS_LONG=1`.
const LONG: u64 = 10_000;
/// Played by `cargo test` too, of those with two copies of one home: Bo's process stops three times while it applies one record,
/// which is set aside then.
const SET_ASIDE: u64 = 8_795;

fn asked(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

/// Plays something, and gives what did not hold.
fn held(plays: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(plays)).map_err(|why| {
        let text = why.downcast_ref::<String>().cloned();
        text.or_else(|| why.downcast_ref::<&str>().map(|&text| text.to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned())
    })
}

/// Plays one seed; gives its world as it ended, and what did not hold.
fn play(seed: u64, nature: Option<Nature>) -> (Option<World>, Result<(), String>) {
    let mut world = None;
    let outcome = held(|| world.insert(World::new(seed, nature)).play());
    (world, outcome)
}

/// The same with two copies of one home.
fn play_clones(seed: u64) -> (Clones, Result<(), String>) {
    let mut clones = Clones::new(seed);
    let outcome = held(|| clones.play());
    (clones, outcome)
}

type Tally = BTreeMap<&'static str, u64>;

/// Plays as many numbers as are asked for, and those named beside, and fails where one does not hold; gives how many were asked
/// for, and what was done in them. `variable` plays one of them again.
fn play_all(
    variable: &str,
    beside: &[u64],
    one: impl Fn(u64) -> (Tally, Result<(), String>) + Sync,
) -> (u64, Tally) {
    let long = std::env::var_os("AMENDS_LONG").is_some();
    let seeds = asked("AMENDS_SEEDS").unwrap_or(if long { LONG } else { SEEDS });
    let beside = beside.iter().copied().filter(|seed| *seed >= seeds);
    let all: Vec<u64> = (0..seeds).chain(beside).collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let tally = Mutex::new(Tally::new());
    let workers = match std::thread::available_parallelism() {
        Ok(cores) if long => cores.get(),
        _ => 1,
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(&seed) = all.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let (done, outcome) = one(seed);
                    if let Err(why) = outcome {
                        println!(
                            "seed {seed} failed: {why}\nplay it again: {variable}={seed} cargo test -p amends-replica --test simulator -- --nocapture"
                        );
                        failed.lock().unwrap().push(seed);
                    }
                    let mut tally = tally.lock().unwrap();
                    for (what, often) in done {
                        *tally.entry(what).or_insert(0) += often;
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    for (what, often) in &tally {
        println!("{often:>9} {what}");
    }
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "of {} seeds these failed: {failed:?}",
        all.len()
    );
    (seeds, tally)
}

#[test]
fn whatever_befalls_them_nothing_is_lost_and_nothing_false_is_said() {
    if let Some(seed) = asked("AMENDS_SEED") {
        let (world, outcome) = play(seed, None);
        let world = world.unwrap();
        println!("seed {seed}: {:?}", world.nature);
        for line in &world.story {
            println!("{line}");
        }
        assert_eq!(outcome, Ok(()), "seed {seed}");
        return;
    }
    let (seeds, tally) = play_all("AMENDS_SEED", &[], |seed| {
        let (world, outcome) = play(seed, None);
        let tally = world.map_or_else(Tally::new, |mut world| {
            let mut count = |what, often| *world.tally.entry(what).or_default() += often;
            count("a frame or an end of a link", world.net.delivered);
            let aside = world.truth.aside.iter().map(Aside::shown_so_far);
            count("set aside as what stops the program", aside.sum());
            world.tally
        });
        (tally, outcome)
    });
    // What needs several others before it is rare.
    let never: Vec<_> = people::DEEDS
        .iter()
        .filter(|deed| !tally.contains_key(*deed))
        .collect();
    assert!(
        seeds < SEEDS || never.len() < 6,
        "nobody ever came to {never:?}"
    );
    assert!(
        seeds < LONG || never.is_empty(),
        "nobody ever came to {never:?}"
    );
}

#[test]
fn two_copies_of_one_home_that_are_alive_at_once_lose_nothing_and_come_to_hold_the_same() {
    if let Some(seed) = asked("AMENDS_CLONES") {
        let (clones, outcome) = play_clones(seed);
        for line in &clones.story {
            println!("{line}");
        }
        assert_eq!(outcome, Ok(()), "number {seed}");
        return;
    }
    let (seeds, tally) = play_all("AMENDS_CLONES", &[SET_ASIDE], |seed| {
        let (clones, outcome) = play_clones(seed);
        (clones.tally, outcome)
    });
    for what in ["something carried over", "a branch of one's own seen"] {
        assert!(seeds < SEEDS || tally.contains_key(what), "never: {what}");
    }
}

/// The processes stop three times or more as they apply what came: what is set aside then spoils nothing else.
#[test]
fn what_is_set_aside_after_three_stops_is_named_and_all_else_is_equal() {
    let long = std::env::var_os("AMENDS_LONG").is_some();
    let (mut apart, mut clones_apart) = (0, 0);
    // In number 746 a mark reaches a disk that says that it did not.
    let beside = (!long).then_some(746);
    for seed in (0..if long { 2_000 } else { 8 }).chain(beside) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let relapses = 3 + u32::try_from(seed % 4).unwrap();
        let nature = Nature {
            meetings: 18,
            wild: false,
            relapses,
            ..Nature::of(&mut rng)
        };
        let (world, outcome) = play(seed, Some(nature));
        assert_eq!(outcome, Ok(()), "seed {seed}");
        let aside = world.unwrap().truth.aside;
        apart += aside.iter().map(Aside::shown_so_far).sum::<u64>();

        let mut clones = Clones::new(seed);
        clones.relapse(relapses);
        let outcome = held(|| clones.play());
        assert_eq!(outcome, Ok(()), "clones, seed {seed}");
        clones_apart += clones
            .tally
            .get("set aside as what stops the program")
            .copied()
            .unwrap_or(0);
    }
    assert!(apart > 0 && clones_apart > 0, "{apart} {clones_apart}");
    println!("set aside: {apart} of two, {clones_apart} of three");
}

#[test]
fn a_seed_gives_the_same_world_again() {
    for seed in [3, 4, 5] {
        let [(one, first), (other, second)] = [(); 2].map(|()| play(seed, None));
        assert_eq!(one.unwrap().story, other.unwrap().story);
        assert_eq!(first, second);
        let [(one, first), (other, second)] = [(); 2].map(|()| play_clones(seed));
        assert_eq!(one.story, other.story);
        assert_eq!(first, second);
    }
}

/// Plays worlds in which a device breaks a rule until it is noticed; gives what was said then.
fn noticed(planted: Planted) -> String {
    for seed in 0..300 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let nature = Nature {
            faults: 25,
            wild: false,
            restores: false,
            planted: Some(planted),
            ..Nature::of(&mut rng)
        };
        if let (_, Err(why)) = play(seed, Some(nature)) {
            return why;
        }
    }
    panic!("{planted:?} was never noticed: the simulator sees nothing");
}

#[test]
fn a_disk_that_says_it_kept_what_it_has_not_is_noticed() {
    let why = noticed(Planted::LyingDisk);
    let expected = [
        "never was on its disk",
        "confirmed edit is lost",
        "is not there",
    ];
    assert!(expected.iter().any(|text| why.contains(text)), "{why}");
}

#[test]
fn a_device_that_sends_before_it_saves_is_noticed() {
    let why = noticed(Planted::SendsFirst);
    let expected = [
        "never was on its disk",
        "not even here",
        "older copy",
        "went back",
        "carry one number",
    ];
    assert!(expected.iter().any(|text| why.contains(text)), "{why}");
}

#[test]
fn a_device_that_leaves_out_a_save_is_noticed() {
    let why = noticed(Planted::ForgetsToSave);
    let expected = [
        "never was on its disk",
        "not even here",
        "is lost",
        "is not there",
        "cannot go on",
        "older copy",
        "is missing",
    ];
    assert!(expected.iter().any(|text| why.contains(text)), "{why}");
}

#[test]
fn a_device_that_shows_as_saved_what_the_disk_refused_is_noticed() {
    let why = noticed(Planted::ShowsUnsaved);
    let expected = [
        "is lost",
        "not even here",
        "never was on its disk",
        "is not there",
        "cannot go on",
        "is missing",
    ];
    assert!(expected.iter().any(|text| why.contains(text)), "{why}");
}

#[test]
fn a_device_that_says_too_early_that_it_has_all_is_noticed() {
    let why = noticed(Planted::SaysTooEarly);
    assert!(why.contains("it is said that all is here"), "{why}");
}

/// They meet for ten seconds, and are an hour apart, with a slow network between them: what waits never piles up.
#[test]
fn ten_seconds_an_hour_are_enough_for_whole_days() {
    let days = if std::env::var_os("AMENDS_LONG").is_some() {
        60
    } else {
        4
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let nature = Nature {
        photos: true,
        begins: (0..people::BEGINNINGS).collect(),
        ..Nature::default()
    };
    let mut world = World::new(1, Some(nature));
    world.begin();
    // Up to half a second each way, as over a bad link.
    world.net.delay = SECOND / 2;
    let mut hours_behind = 0;
    for hour in 0..days * 24 {
        for _ in 0..rng.below(4) {
            let who = rng.below(2);
            world.now += rng.below(10 * 60) as i64 * SECOND;
            world.do_something(who);
        }
        world.now = clock::BEGINNING + DAY + i64::from(hour) * HOUR;
        world.meet_for(10 * SECOND);
        hours_behind = if world.all_reached() {
            0
        } else {
            hours_behind + 1
        };
        assert!(
            hours_behind < 6,
            "at hour {hour} they are {hours_behind} hours behind"
        );
    }
    for _ in 0..6 {
        world.now += HOUR;
        world.meet_for(10 * SECOND);
    }
    assert!(world.all_reached());
    world.look();
    assert!(
        world.net.delivered > 500,
        "they said something to each other"
    );
}
