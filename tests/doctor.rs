//! Each reason why two devices do not meet is made in networks of our own, and `doctor` is to name it. Where this machine gives no
//! namespaces, or has no nft, these tests say that they were skipped, and fail if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod devices;

use amends_keys::identity::{DiscoveryKey, StaticKey, StaticSecret, day_of, identity_of_the_day};
use amends_network::{Config, Listen, peer_id_of_seed};
use devices::clocks::{self, DAY};
use devices::network::{A_CABLE, has_nft, in_namespaces, shell};
use devices::opened::Opened;
use devices::{Device, Pair, Running};
use serde_json::Value;

/// What `doctor` finds, and its exit code.
struct Found {
    exit: i32,
    findings: Vec<Value>,
}

impl Found {
    fn by(device: &Device, more: &[&str]) -> Found {
        let said = device.run(&[&["doctor"], more].concat());
        let last = said.last();
        let findings = last
            .as_array()
            .unwrap_or_else(|| panic!("{said:#?}"))
            .clone();
        Found {
            exit: said.exit,
            findings,
        }
    }

    #[track_caller]
    fn of(&self, check: &str) -> &Value {
        let of = self.findings.iter().find(|one| one["check"] == check);
        of.unwrap_or_else(|| panic!("no {check} in {:#?}", self.findings))
    }

    /// The first finding is the one to begin with: it failed, has this code, and says what to do.
    #[track_caller]
    fn cause(&self, check: &str, code: &str, exit: i32) -> &Value {
        let first = &self.findings[0];
        assert_eq!(
            (&first["check"], &first["state"], &first["code"], self.exit),
            (&check.into(), &"failed".into(), &code.into(), exit),
            "{:#?}",
            self.findings
        );
        assert!(
            first["hint"].as_str().is_some_and(|hint| hint.len() > 10),
            "{first}"
        );
        first
    }

    #[track_caller]
    fn all_well(&self) {
        let bad = |one: &&Value| one["state"] == "failed";
        assert_eq!(self.findings.iter().find(bad), None);
        assert_eq!(self.exit, 0, "{:#?}", self.findings);
    }
}

/// A pair, Bo's device up at the other end of the cable.
fn bo_is_up() -> (Pair, Running) {
    let pair = Pair::by_code();
    let mut up = pair.bo.start_in("bo", &["up"]);
    up.until("up");
    (pair, up)
}

fn ends(up: Running) {
    up.interrupt();
    up.ends_well();
}

#[test]
fn where_all_is_well_it_says_so_with_up_and_without() {
    let name = "where_all_is_well_it_says_so_with_up_and_without";
    in_namespaces(name, A_CABLE, || {
        let (pair, bo) = bo_is_up();
        let found = Found::by(&pair.ana, &[]);
        found.all_well();
        assert_eq!(found.of("partner")["state"], "ok");
        assert!(
            found.of("multicast")["message"]
                .as_str()
                .unwrap()
                .contains("one other device")
        );
        let mut up = pair.ana.start(&["up"]);
        up.until("met");
        let said = pair.ana.run_locked(&["doctor"]);
        assert_eq!(said.exit, 0, "{said:#?}");
        let here =
            said.last().as_array().unwrap().iter().any(|one| {
                one["check"] == "partner" && one["message"] == "Bo's device is here now."
            });
        assert!(here, "{said:#?}");
        ends(up);
        ends(bo);
    });
}

#[test]
fn a_partner_who_is_not_up_is_told_from_one_who_is_not_there() {
    let name = "a_partner_who_is_not_up_is_told_from_one_who_is_not_there";
    in_namespaces(name, A_CABLE, || {
        let pair = Pair::by_code();
        Found::by(&pair.ana, &[]).cause("partner", "not_seen", 5);
        let found = Found::by(&pair.ana, &["--peer", "10.97.0.2:4100"]);
        let cause = found.cause("partner", "not_running", 5);
        assert_eq!(cause["hint"], "On Bo's device: amends up.");
        let found = Found::by(&pair.ana, &["--peer", "10.97.0.9:4100"]);
        found.cause("partner", "no_answer", 5);
    });
}

#[test]
fn no_network_and_a_vpn_alone_are_told_apart() {
    let name = "no_network_and_a_vpn_alone_are_told_apart";
    in_namespaces(name, "ip link set lo up", || {
        let pair = Pair::by_code();
        Found::by(&pair.ana, &[]).cause("interfaces", "no_network", 5);
        a_vpn();
        let found = Found::by(&pair.ana, &[]);
        let cause = found.cause("vpn", "vpn", 5);
        assert!(
            cause["message"].as_str().unwrap().contains("tun0"),
            "{cause}"
        );
    });
}

/// A tunnel that has the way out of this network.
fn a_vpn() {
    shell(
        "ip tuntap add dev tun0 mode tun && ip addr add 10.8.0.2/24 dev tun0 && ip link set tun0 up && ip route add default dev tun0",
    );
}

#[test]
fn a_vpn_is_named_where_it_may_be_in_the_way_and_only_there() {
    let name = "a_vpn_is_named_where_it_may_be_in_the_way_and_only_there";
    in_namespaces(name, A_CABLE, || {
        let (pair, bo) = bo_is_up();
        a_vpn();
        let found = Found::by(&pair.ana, &[]);
        found.all_well();
        assert!(
            found.of("vpn")["message"]
                .as_str()
                .unwrap()
                .contains("tun0")
        );
        ends(bo);
        Found::by(&pair.ana, &[]).cause("vpn", "vpn", 5);
        // What was seen of the other machine speaks against it.
        let found = Found::by(&pair.ana, &["--peer", "10.97.0.2:4100"]);
        found.cause("partner", "not_running", 5);
    });
}

#[test]
fn blocked_multicast_is_recognised_going_out_and_coming_in() {
    let name = "blocked_multicast_is_recognised_going_out_and_coming_in";
    in_namespaces(name, A_CABLE, || {
        if !has_nft(name) {
            return;
        }
        let (pair, bo) = bo_is_up();
        for hook in ["input", "output"] {
            shell(&format!(
                "nft 'add table inet t; add chain inet t c {{ type filter hook {hook} priority 0; }}; add rule inet t c udp dport 5353 drop'"
            ));
            let found = Found::by(&pair.ana, &[]);
            let cause = found.cause("multicast", "multicast_blocked", 5);
            assert!(
                cause["message"].as_str().unwrap().contains("cable0"),
                "{cause}"
            );
            shell("nft delete table inet t");
        }
        // With an address it is a remark: the two can meet.
        let found = Found::by(&pair.ana, &[]);
        found.all_well();
        ends(bo);
    });
}

#[test]
fn a_closed_port_is_recognised_here_and_there() {
    let name = "a_closed_port_is_recognised_here_and_there";
    in_namespaces(name, A_CABLE, || {
        if !has_nft(name) {
            return;
        }
        let (pair, bo) = bo_is_up();
        for verdict in ["drop", "reject", "reject with tcp reset"] {
            shell(&format!(
                "ip netns exec bo nft 'add table inet t; add chain inet t c {{ type filter hook input priority 0; }}; add rule inet t c meta l4proto tcp {verdict}'"
            ));
            let found = Found::by(&pair.ana, &[]);
            let cause = found.cause("partner", "port_blocked", 5);
            assert!(
                cause["message"].as_str().unwrap().contains("10.97.0.2:"),
                "{cause}"
            );
            shell("ip netns exec bo nft delete table inet t");
        }
        shell(
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c meta l4proto tcp drop'",
        );
        Found::by(&pair.ana, &[]).cause("interfaces", "port_blocked", 5);
        ends(bo);
    });
}

#[test]
fn a_clock_that_is_days_off_is_recognised_and_said_with_both_dates() {
    let name = "a_clock_that_is_days_off_is_recognised_and_said_with_both_dates";
    in_namespaces(name, A_CABLE, || {
        let mut pair = Pair::by_code();
        clocks::shift(&mut pair.bo, 3 * DAY);
        let mut bo = pair.bo.start_in("bo", &["up"]);
        let listen = bo.until("up")["listen"].clone();
        let found = Found::by(&pair.ana, &[]);
        let cause = found.cause("partner", "clocks_differ", 5);
        assert!(
            cause["message"].as_str().unwrap().contains("3 days apart"),
            "{cause}"
        );
        // The same by its address alone.
        let at = listen.as_array().unwrap().iter().filter_map(Value::as_str);
        let at = at.clone().find(|at| at.starts_with("10.97.0.2:")).unwrap();
        let found = Found::by(&pair.ana, &["--quiet", "--peer", at]);
        found.cause("partner", "clocks_differ", 5);
        ends(bo);
        // A clock that is before what was written here is known without anybody else.
        clocks::shift(&mut pair.ana, -400 * DAY);
        Found::by(&pair.ana, &[]).cause("clock", "clock", 1);
    });
}

#[test]
fn a_device_of_another_pair_is_recognised() {
    let name = "a_device_of_another_pair_is_recognised";
    in_namespaces(name, A_CABLE, || {
        let (pair, others) = (Pair::by_code(), Pair::by_code());
        let mut other = others
            .bo
            .start_in("bo", &["up", "--listen", "10.97.0.2:4100"]);
        other.until("up");
        Found::by(&pair.ana, &[]).cause("partner", "other_device", 5);
        let found = Found::by(&pair.ana, &["--peer", "10.97.0.2:4100"]);
        let cause = found.cause("partner", "other_device", 5);
        assert!(
            cause["message"]
                .as_str()
                .unwrap()
                .contains("10.97.0.2:4100"),
            "{cause}"
        );
        ends(other);
    });
}

/// A host with the keys of this device of today, as a later version of the program could be: the protocol on it has another
/// name.
fn speaks_otherwise(device: &Device) -> Config {
    let opened = Opened::of(device);
    let discovery = DiscoveryKey::from_bytes(&opened.bytes_of("pair", "discovery"));
    let own = StaticSecret::from_bytes(&opened.bytes_of("device", "static_secret")).public();
    let theirs = StaticKey(opened.bytes_of("pair", "partner"));
    let millis = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_millis();
    let today = day_of(i64::try_from(millis).unwrap());
    let identity = identity_of_the_day(&discovery, today, &own);
    let partner = peer_id_of_seed(&identity_of_the_day(&discovery, today, &theirs));
    Config {
        protocol: "/amends/sync/2",
        listen: Listen::Only("10.97.0.1:4100".parse().unwrap()),
        ..Config::journal(*identity, opened.bytes_of("pair", "pnet"), vec![partner])
    }
}

#[test]
fn a_device_with_another_version_of_the_protocol_is_recognised() {
    let name = "a_device_with_another_version_of_the_protocol_is_recognised";
    in_namespaces(name, A_CABLE, || {
        let pair = Pair::by_code();
        let (told, heard) = std::sync::mpsc::channel();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let config = speaks_otherwise(&pair.bo);
        let host = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (network, mut events) = amends_network::start(config).unwrap();
                told.send(network.listening().await).unwrap();
                let serving = async { while events.next().await.is_some() {} };
                tokio::select! {
                    () = serving => {}
                    _ = ended => {}
                }
            });
        });
        heard.recv().unwrap();
        Found::by(&pair.ana, &[]).cause("partner", "other_version_there", 5);
        drop(end);
        host.join().unwrap();
    });
}
