//! On which networks the two devices find each other, and on which they say nothing. Where this machine gives no namespaces these
//! tests say that they were skipped, and fail if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod devices;

use devices::network::{A_CABLE, Counted, in_namespaces, shell};
use devices::{Device, Pair, Running, assert_equal};

/// A network of its own for each machine, over which the system would send, and a cord between the two that has no address yet.
const A_CORD: &str = "
    ip link set lo up
    mount -t tmpfs none /run
    mkdir -p /run/netns
    ip netns add bo
    ip link add home0 type veth peer name nobody0
    ip addr add 10.96.0.1/24 dev home0
    ip addr add fd00:96::1/64 dev home0 nodad
    ip link set home0 up
    ip link set nobody0 up
    ip route add default dev home0
    ip link add cord0 type veth peer name cord1 netns bo
    ip link set cord0 up
    ip -n bo link set lo up
    ip -n bo link set cord1 up";

fn both_end(ups: [Running; 2]) {
    for up in ups {
        up.interrupt();
        up.ends_well();
    }
}

#[test]
fn they_find_each_other_over_ipv6_alone_on_a_network_that_comes_later() {
    let name = "they_find_each_other_over_ipv6_alone_on_a_network_that_comes_later";
    in_namespaces(name, A_CORD, || {
        let pair = Pair::new();
        let mut ana = pair.ana.start(&["up"]);
        let mut bo = pair.bo.start_in("bo", &["up"]);
        ana.until("up");
        bo.until("up");
        shell("ip -n bo addr add fd00:97::2/64 dev cord1 nodad");
        shell("ip addr add fd00:97::1/64 dev cord0 nodad");
        ana.until("met");
        bo.until("met");
        pair.ana.propose("Over the cord.");
        assert_eq!(bo.until("changed")["entry"]["text"], "Over the cord.");
        both_end([ana, bo]);
        assert_equal(&pair.ana, &pair.bo);
    });
}

#[test]
fn nothing_is_said_on_tunnels_and_bridges_of_containers() {
    let name = "nothing_is_said_on_tunnels_and_bridges_of_containers";
    in_namespaces(name, A_CABLE, || {
        let Some(counted) = Counted::of(name, "udp dport 5353", &["cable0", "docker0", "tun0"])
        else {
            return;
        };
        shell(
            "ip link add docker0 type veth peer name inside0 && ip addr add 172.17.0.1/16 dev docker0
             ip addr add fd00:17::1/64 dev docker0 nodad && ip link set docker0 up && ip link set inside0 up
             ip tuntap add dev tun0 mode tun && ip addr add 10.8.0.2/24 dev tun0 && ip link set tun0 up",
        );
        let pair = Pair::new();
        let mut ana = pair.ana.start(&["up"]);
        let mut bo = pair.bo.start_in("bo", &["up"]);
        ana.until("met");
        bo.until("met");
        let listen = ana.seen().iter().find(|event| event["event"] == "up");
        let listen = listen.unwrap()["listen"].to_string();
        assert!(
            listen.contains("10.97.0.1:")
                && !listen.contains("172.17.")
                && !listen.contains("10.8.")
                && !listen.contains("fd00:17"),
            "{listen}"
        );
        both_end([ana, bo]);
        let packets = counted.packets();
        assert!(packets[0] >= 2, "nothing was counted at all");
        assert_eq!(packets[1..], [0, 0]);
    });
}

/// Bo's device asks and tells nothing; where Ana's is it knows from the day before, though both ports are others now.
#[test]
fn who_is_quiet_is_met_by_the_last_good_addresses_and_says_nothing() {
    let name = "who_is_quiet_is_met_by_the_last_good_addresses_and_says_nothing";
    in_namespaces(name, A_CABLE, || {
        let Some(counted) = Counted::inside("bo", name, "udp dport 5353", &["cable1"]) else {
            return;
        };
        let meet = |bo: &Device, ana: &Device, quiet: &[&str]| {
            let mut there = bo.start_in("bo", &[&["up"], quiet].concat());
            let mut here = ana.start(&["up"]);
            here.until("met");
            there.until("met");
            both_end([here, there]);
        };
        let mut pair = Pair::new();
        meet(&pair.bo, &pair.ana, &[]);
        let told = counted.packets()[0];
        assert!(told > 0, "nothing was counted at all");
        for device in [&mut pair.ana, &mut pair.bo] {
            devices::clocks::shift(device, devices::clocks::DAY);
        }
        meet(&pair.bo, &pair.ana, &["--quiet"]);
        assert_eq!(counted.packets()[0], told, "the quiet one spoke");
    });
}
