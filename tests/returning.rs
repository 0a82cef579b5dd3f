//! Coming back by themselves: two devices that are up, and everything that can part them. Each edit that is made while they are
//! apart, or while nobody knows it yet, must come to the other side. Where this machine gives no namespaces these tests say that they
//! were skipped, and fail if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod devices;

use std::time::{Duration, Instant};

use devices::clocks::{DAY, Moving};
use devices::network::{A_CABLE, A_SWITCH, has_nft, in_namespaces, shell};
use devices::relay::Relay;
use devices::{Pair, Running, assert_equal};

/// A second cable between the two, unplugged.
const AND_A_SECOND: &str = "
    ip link add spare0 type veth peer name spare1 netns bo
    ip addr add 10.98.0.1/24 dev spare0
    ip -n bo addr add 10.98.0.2/24 dev spare1";

/// Multicast goes nowhere from here on.
const NO_MULTICAST: &str = "
    nft 'add table inet m; add chain inet m c { type filter hook output priority 0; }; add rule inet m c udp dport 5353 drop'
    ip netns exec bo nft 'add table inet m; add chain inet m c { type filter hook output priority 0; }; add rule inet m c udp dport 5353 drop'";

struct Both {
    pair: Pair,
    ana: Running,
    bo: Running,
    edits: u32,
}

impl Both {
    /// Both up, and met.
    fn up() -> Both {
        Both::with(Pair::new())
    }

    fn with(pair: Pair) -> Both {
        let (ana, bo) = (pair.ana.start(&["up"]), pair.bo.start_in("bo", &["up"]));
        let mut both = Both {
            pair,
            ana,
            bo,
            edits: 0,
        };
        both.ana.until("met");
        both.bo.until("met");
        both.edits_arrive("at first");
        both
    }

    /// Both write something; what each wrote comes to the other's screen.
    #[track_caller]
    fn edits_arrive(&mut self, when: &str) {
        let began = Instant::now();
        self.edits += 1;
        let text = format!("{when}, {}", self.edits);
        self.pair.ana.propose(&format!("Ana, {text}"));
        self.pair.bo.propose(&format!("Bo, {text}"));
        self.ana.until_such(&format!("Bo's edit {when}"), |line| {
            line["event"] == "changed" && line["entry"]["text"] == format!("Bo, {text}")
        });
        self.bo.until_such(&format!("Ana's edit {when}"), |line| {
            line["event"] == "changed" && line["entry"]["text"] == format!("Ana, {text}")
        });
        println!("{when}: both edits were there after {:?}", began.elapsed());
    }

    fn part(&mut self, how: &str) {
        let began = Instant::now();
        self.ana.until("parted");
        self.bo.until("parted");
        println!("{how}: parted after {:?}", began.elapsed());
    }

    fn meet(&mut self, how: &str) {
        let began = Instant::now();
        self.ana.until("met");
        self.bo.until("met");
        println!("{how}: met after {:?}", began.elapsed());
    }

    fn end(self) {
        for up in [self.ana, self.bo] {
            up.interrupt();
            up.ends_well();
        }
        assert_equal(&self.pair.ana, &self.pair.bo);
    }
}

#[test]
fn one_or_both_get_another_address() {
    let name = "one_or_both_get_another_address";
    in_namespaces(name, A_CABLE, || {
        let mut both = Both::up();
        shell("ip addr del 10.97.0.1/24 dev cable0; ip addr add 10.97.0.77/24 dev cable0");
        both.edits_arrive("with another address here");
        shell(
            "ip addr del 10.97.0.77/24 dev cable0; ip -n bo addr del 10.97.0.2/24 dev cable1
             ip addr add 192.168.7.1/24 dev cable0; ip -n bo addr add 192.168.7.2/24 dev cable1",
        );
        both.edits_arrive("in another network on both sides");
        both.end();
    });
}

#[test]
fn one_gets_another_address_where_multicast_goes_nowhere() {
    let name = "one_gets_another_address_where_multicast_goes_nowhere";
    in_namespaces(name, A_CABLE, || {
        if !has_nft(name) {
            return;
        }
        let mut both = Both::up();
        shell(NO_MULTICAST);
        shell("ip addr del 10.97.0.1/24 dev cable0; ip addr add 10.97.0.77/24 dev cable0");
        both.edits_arrive("with another address here");
        shell(
            "ip -n bo addr del 10.97.0.2/24 dev cable1; ip -n bo addr add 10.97.0.78/24 dev cable1",
        );
        both.edits_arrive("with another address there");
        both.end();
    });
}

#[test]
fn both_move_to_another_interface() {
    let name = "both_move_to_another_interface";
    in_namespaces(name, &format!("{A_CABLE}\n{AND_A_SECOND}"), || {
        let mut both = Both::up();
        shell(
            "ip link set cable0 down; ip -n bo link set cable1 down
             ip link set spare0 up; ip -n bo link set spare1 up",
        );
        both.edits_arrive("over the second cable");
        shell(
            "ip link del spare0
             ip link set cable0 up; ip -n bo link set cable1 up",
        );
        both.edits_arrive("over the first one again");
        both.end();
    });
}

/// A cut of which neither end is told: no link goes down, nothing is refused, nothing comes.
#[test]
fn a_silent_cut_is_noticed_and_its_end_too() {
    let name = "a_silent_cut_is_noticed_and_its_end_too";
    in_namespaces(name, A_SWITCH, || {
        let mut both = Both::up();
        for turn in ["the first cut", "the second cut"] {
            shell("ip -n sw link set bo0 nomaster");
            both.part(turn);
            shell("ip -n sw link set bo0 master switch");
            both.meet(turn);
            both.edits_arrive(turn);
        }
        both.end();
    });
}

#[test]
fn a_silent_cut_with_another_way_parts_nobody_for_long() {
    let name = "a_silent_cut_with_another_way_parts_nobody_for_long";
    in_namespaces(name, &format!("{A_SWITCH}\n{AND_A_SECOND}"), || {
        let mut both = Both::up();
        shell("ip link set spare0 up; ip -n bo link set spare1 up");
        both.edits_arrive("with a second way");
        shell("ip -n sw link set bo0 nomaster");
        both.edits_arrive("with the second way alone");
        both.end();
    });
}

/// The switch goes, with its network, and comes back with another one.
#[test]
fn a_router_that_starts_again_brings_them_together() {
    let name = "a_router_that_starts_again_brings_them_together";
    in_namespaces(name, A_SWITCH, || {
        let mut both = Both::up();
        shell("ip -n sw link set ana0 down; ip -n sw link set bo0 down");
        both.part("without the switch");
        both.pair.ana.propose("Written without a network.");
        shell("ip addr flush dev port0; ip -n bo addr flush dev port0");
        shell("ip -n sw link set ana0 up; ip -n sw link set bo0 up");
        // One lease comes at once, the other later.
        shell("ip addr add 10.5.0.20/16 dev port0");
        shell("ip -n bo addr add 10.5.0.21/16 dev port0");
        both.meet("with the switch again");
        both.edits_arrive("in the new network");
        both.end();
    });
}

#[test]
fn one_that_was_killed_and_starts_again_is_met_without_multicast() {
    let name = "one_that_was_killed_and_starts_again_is_met_without_multicast";
    in_namespaces(name, A_CABLE, || {
        if !has_nft(name) {
            return;
        }
        let Both {
            pair, mut ana, bo, ..
        } = Both::up();
        shell(NO_MULTICAST);
        // Ana's device is the one that looks for Bo's: nobody goes the other way.
        shell(
            "ip netns exec bo nft 'add table inet o; add chain inet o c { type filter hook output priority 0; }; add rule inet o c tcp flags & (syn | ack) == syn drop'",
        );
        bo.kill();
        ana.until("parted");
        let mut bo = pair.bo.start_in("bo", &["up"]);
        let began = Instant::now();
        ana.until("met");
        bo.until("met");
        println!("met after {:?}", began.elapsed());
        for up in [ana, bo] {
            up.interrupt();
            up.ends_well();
        }
    });
}

#[test]
fn a_new_day_and_its_identity_bring_them_together_again() {
    let name = "a_new_day_and_its_identity_bring_them_together_again";
    in_namespaces(name, A_CABLE, || {
        let mut pair = Pair::new();
        let clocks = [Moving::of(&mut pair.ana), Moving::of(&mut pair.bo)];
        let mut both = Both::with(pair);
        let listening = |running: &Running| {
            let mut ups = running.seen().iter().rev();
            let up = ups.find(|event| event["event"] == "up").unwrap();
            up["listen"].clone()
        };
        let before = [listening(&both.ana), listening(&both.bo)];
        // One by one, as after midnight.
        clocks[0].to(DAY);
        both.ana.until("up");
        both.edits_arrive("on the new day here");
        clocks[1].to(DAY);
        both.bo.until("up");
        both.edits_arrive("on the new day on both sides");
        assert_ne!(before, [listening(&both.ana), listening(&both.bo)]);
        both.end();
    });
}

/// A machine that sleeps says nothing; awake again, its clock has gone on and its old links are dead.
#[test]
fn a_machine_that_slept_comes_back() {
    let name = "a_machine_that_slept_comes_back";
    in_namespaces(name, A_CABLE, || {
        let mut pair = Pair::new();
        let clock = Moving::of(&mut pair.bo);
        let mut both = Both::with(pair);
        both.bo.sleeps();
        both.ana.until("parted");
        both.pair.ana.propose("Written while Bo's device slept.");
        clock.to(3600);
        both.bo.wakes();
        both.ana.until("met");
        both.edits_arrive("awake again");
        both.end();
    });
}

#[test]
fn a_network_that_loses_every_tenth_packet_carries_everything() {
    let name = "a_network_that_loses_every_tenth_packet_carries_everything";
    in_namespaces(name, A_CABLE, || {
        if !has_nft(name) {
            return;
        }
        let losing = "'add table inet l; add chain inet l c { type filter hook input priority 0; }; add rule inet l c iifname != lo numgen random mod 10 < 1 drop'";
        shell(&format!("nft {losing}; ip netns exec bo nft {losing}"));
        let mut both = Both::up();
        for turn in 0..10 {
            both.edits_arrive(&format!("over a bad network, {turn}"));
        }
        both.end();
    });
}

/// 64 kbit a second, and what waits in line is late by up to a second.
#[test]
fn a_slow_network_carries_everything() {
    let name = "a_slow_network_carries_everything";
    in_namespaces(name, A_CABLE, || {
        shell(
            "tc qdisc add dev cable0 root tbf rate 64kbit burst 2kb latency 1s
             ip netns exec bo tc qdisc add dev cable1 root tbf rate 64kbit burst 2kb latency 1s",
        );
        let mut both = Both::up();
        both.edits_arrive("over a slow network");
        both.end();
    });
}

fn over_a_long_relay() {
    let pair = Pair::new();
    let ana = pair.ana.up();
    let relay = Relay::to(&ana.listen, Duration::from_millis(660));
    let bo = pair
        .bo
        .up_with(&["--listen", "127.0.0.1:0", "--peer", &relay.at]);
    let mut both = Both {
        pair,
        ana: ana.running,
        bo: bo.running,
        edits: 0,
    };
    both.meet("over long ways");
    for turn in 0..3 {
        both.edits_arrive(&format!("over long ways, {turn}"));
    }
    both.end();
}

/// As over a satellite: two thirds of a second each way.
#[test]
fn a_network_with_long_ways_carries_everything() {
    let name = "a_network_with_long_ways_carries_everything";
    let netem = "tc qdisc add dev lo root netem delay 1ms";
    let mut has = std::process::Command::new("unshare");
    has.args(["-Urnm", "sh", "-ec", netem]);
    if !has.output().is_ok_and(|said| said.status.success()) {
        // A kernel that cannot delay packets: what they carry is delayed on its way.
        return over_a_long_relay();
    }
    in_namespaces(name, A_CABLE, || {
        shell(
            "tc qdisc add dev cable0 root netem delay 660ms 40ms
             ip netns exec bo tc qdisc add dev cable1 root netem delay 660ms 40ms",
        );
        let mut both = Both::up();
        for turn in 0..3 {
            both.edits_arrive(&format!("over long ways, {turn}"));
        }
        both.end();
    });
}
