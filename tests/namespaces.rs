//! Finding each other without being told where, in networks of our own. Where this machine gives no namespaces these tests
//! say that they were skipped, and fail if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod devices;

use devices::network::{A_CABLE, Counted, in_namespaces, said_by, shell};
use devices::{Code, Device, Pair, assert_equal};
use serde_json::json;

/// One machine whose loopback interface carries an address that others could reach too: mDNS works on it.
const A_NETWORK: &str = "ip link set lo up && ip addr add 10.98.0.1/24 dev lo";

#[test]
fn two_devices_on_one_network_pair_and_meet_without_an_address() {
    in_namespaces(
        "two_devices_on_one_network_pair_and_meet_without_an_address",
        A_NETWORK,
        || {
            let (ana, bo) = (Device::new("Ana"), Device::new("Bo"));
            let mut host = ana.start(&["pair", "--yes"]);
            let code = Code::of(&host.until("code"));
            let mut joiner = bo.start(&["pair", "-", "--yes"]);
            joiner.types(&code.typed);
            host.until("paired");
            joiner.until("paired");
            host.ends_well();
            joiner.ends_well();

            ana.propose("Found without an address.");
            bo.propose("So was this.");
            let mut up = ana.start(&["up"]);
            up.until("up");
            let synced = bo.run(&["sync"]).ok();
            assert_eq!(
                synced,
                json!({"sent": 1, "received": 1, "partner_has_all": true, "have_all": true})
            );
            up.interrupt();
            up.ends_well();
            assert_equal(&ana, &bo);

            // Neither stays: two that look at the same time.
            ana.propose("And this.");
            let (here, there) = (ana.start(&["sync"]), bo.start(&["sync"]));
            here.ends_well();
            there.ends_well();
            assert_equal(&ana, &bo);
        },
    );
}

#[test]
fn several_codes_on_one_network_are_told_apart_by_the_long_one() {
    in_namespaces(
        "several_codes_on_one_network_are_told_apart_by_the_long_one",
        A_NETWORK,
        || {
            let (ana, bo, other) = (Device::new("Ana"), Device::new("Bo"), Device::new("Other"));
            let mut host = ana.start(&["pair", "--yes"]);
            let code = Code::of(&host.until("code"));
            let mut others = other.start(&["pair", "--yes"]);
            others.until("code");
            let mut joiner = bo.start(&["pair", "-", "--yes"]);
            joiner.types(&code.typed);
            let ended = joiner.ends();
            assert_eq!((ended.exit, ended.code().as_str()), (1, "several_hosts"));
            let mut joiner = bo.start(&["pair", "-", "--yes"]);
            joiner.types(&code.paste);
            host.until("paired");
            joiner.until("paired");
            host.ends_well();
            joiner.ends_well();
        },
    );
}

#[test]
fn a_cable_that_is_pulled_and_put_back_brings_them_together_again() {
    in_namespaces(
        "a_cable_that_is_pulled_and_put_back_brings_them_together_again",
        A_CABLE,
        || {
            let pair = Pair::by_code();
            let mut ana = pair.ana.start(&["up"]);
            let mut bo = pair.bo.start_in("bo", &["up"]);
            ana.until("met");
            bo.until("met");
            pair.ana.propose("Before the cut.");
            bo.until("changed");

            shell("ip link set cable0 down");
            ana.until("parted");
            bo.until("parted");
            pair.ana.propose("Written at one end.");
            pair.bo.propose("Written at the other end.");
            shell("ip link set cable0 up");
            ana.until("met");
            bo.until("met");
            assert_eq!(bo.until("changed")["entry"]["text"], "Written at one end.");
            let shown = ana.until_such("Bo's", |line| {
                line["event"] == "changed" && line["by"] == "Bo"
            });
            assert_eq!(shown["entry"]["text"], "Written at the other end.");
            for up in [ana, bo] {
                up.interrupt();
                up.ends_well();
            }
            assert_equal(&pair.ana, &pair.bo);
        },
    );
}

/// However the two came together, both having dialled: after some seconds there is one link, and on it a heartbeat every three
/// seconds each way. What a heartbeat is on the wire: 105 bytes at most, and its acknowledgement of 52. Beside it Yamux measures
/// the way there and back every ten seconds, each side in 216 bytes. Two links would be over the limit by their heartbeats alone.
#[test]
fn an_idle_pair_is_silent_but_for_its_heartbeats() {
    let name = "an_idle_pair_is_silent_but_for_its_heartbeats";
    in_namespaces(name, A_CABLE, || {
        let Some(here) = Counted::of(name, "ip protocol tcp", &["cable0"]) else {
            return;
        };
        let there = Counted::inside("bo", name, "ip protocol tcp", &["cable1"]).unwrap();
        let pair = Pair::new();
        let mut ana = pair.ana.start(&["up"]);
        let mut bo = pair.bo.start_in("bo", &["up"]);
        ana.until("met");
        bo.until("met");
        pair.ana.propose("Said, and then nothing more.");
        bo.until("changed");
        // proc_pid_net(5): the ninth number is what was sent, the first what came.
        let all = || {
            let said = said_by("grep cable0: /proc/net/dev | tr ':' ' '");
            let numbers = said.split_whitespace().skip(1);
            let numbers: Vec<u64> = numbers.map(|n| n.parse().unwrap()).collect();
            numbers[0] + numbers[8]
        };
        let said = || {
            let tcp = here.bytes()[0] + there.bytes()[0];
            (std::time::Instant::now(), tcp, all())
        };
        // Not for an event: the time is what is measured.
        let nine_seconds = || std::thread::sleep(std::time::Duration::from_secs(9));
        nine_seconds();
        let before = said();
        nine_seconds();
        let after = said();
        let (tcp, all) = (after.1 - before.1, after.2 - before.2);
        let passed = after.0 - before.0;
        println!("in {passed:?}: {tcp} bytes of TCP/IP, {all} bytes of everything on the cable");
        // Each may have one more than fits, begun before or ended after.
        let beats = 2 * (passed.as_secs() / 3 + 1);
        assert!(tcp > 0, "not even a heartbeat");
        let limit = beats * (105 + 52) + 2 * 216;
        assert!(tcp <= limit, "{tcp} bytes in {passed:?}");
        for up in [ana, bo] {
            up.interrupt();
            up.ends_well();
        }
    });
}

#[test]
fn a_machine_without_any_network_says_so() {
    in_namespaces(
        "a_machine_without_any_network_says_so",
        "ip link set lo up",
        || {
            let pair = Pair::by_code();
            let said = pair.ana.run(&["sync", "--timeout", "1s"]);
            assert_eq!(said.failure(), (5, "no_network".to_owned()));
            // It holds the journal all the same, and what is written is kept.
            let mut up = pair.ana.start(&["up"]);
            up.until("up");
            let id = pair
                .ana
                .run_locked(&["boundary", "propose", "Kept until there is a network."])
                .ok()["id"]
                .clone();
            up.interrupt();
            up.ends_well();
            assert_eq!(pair.ana.only()["id"], id);
        },
    );
}
