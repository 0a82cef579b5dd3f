//! Networks of our own: a test runs itself again inside fresh namespaces, as an ordinary user where the system allows it.

use std::process::{Command, Stdio};

const INSIDE: &str = "AMENDS_TEST_INSIDE_NAMESPACES";

/// Bo's machine is a namespace of its own, on the other end of a cable.
pub(crate) const A_CABLE: &str = "
    ip link set lo up
    mount -t tmpfs none /run
    mkdir -p /run/netns
    ip netns add bo
    ip link add cable0 type veth peer name cable1 netns bo
    ip addr add 10.97.0.1/24 dev cable0
    ip link set cable0 up
    ip -n bo link set lo up
    ip -n bo addr add 10.97.0.2/24 dev cable1
    ip -n bo link set cable1 up";

/// Both machines are on a switch, a third namespace. What is pulled out there, neither end is told of.
pub(crate) const A_SWITCH: &str = "
    ip link set lo up
    mount -t tmpfs none /run
    mkdir -p /run/netns
    ip netns add bo
    ip netns add sw
    ip -n sw link add switch type bridge mcast_snooping 0
    ip -n sw link set switch up
    ip link add port0 type veth peer name ana0 netns sw
    ip -n bo link add port0 type veth peer name bo0 netns sw
    ip -n sw link set ana0 up master switch
    ip -n sw link set bo0 up master switch
    ip addr add 10.97.0.1/24 dev port0
    ip link set port0 up
    ip -n bo link set lo up
    ip -n bo addr add 10.97.0.2/24 dev port0
    ip -n bo link set port0 up";

/// Runs `test`, the one named `name` (its path in the test binary), inside a network namespace of its own, with a mount
/// namespace where `setup` may mount; `setup` is a shell script that prepares it.
pub(crate) fn in_namespaces(name: &str, setup: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let works = |flags: &&&str| {
        let probe = Command::new("unshare")
            .args([flags, "sh", "-ec", setup])
            .stdin(Stdio::null())
            .output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(flags) = ["-Urnm", "-nm"].iter().find(works) else {
        return super::skipped(name, "this machine gives no namespaces (unshare -Urnm)");
    };
    let this = std::env::current_exe().unwrap();
    let inner = Command::new("unshare")
        .args([flags, "sh", "-ec"])
        .arg(format!("{setup}\nexec \"$0\" --exact {name} --nocapture"))
        .arg(this)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&inner.stdout),
        String::from_utf8_lossy(&inner.stderr),
    );
    assert!(
        inner.status.success() && said.contains("1 passed"),
        "inside the namespaces:\n{said}\n{complained}"
    );
    println!("{said}");
}

/// Runs a shell command that must succeed.
#[track_caller]
pub(crate) fn shell(script: &str) {
    said_by(script);
}

/// As [`shell`]; gives what it said.
#[track_caller]
pub(crate) fn said_by(script: &str) -> String {
    let done = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(
        done.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// What the system's firewall can do here: `false`, said loudly, where there is none.
pub(crate) fn has_nft(name: &str) -> bool {
    let has = Command::new("nft")
        .arg("--version")
        .output()
        .is_ok_and(|said| said.status.success());
    if !has {
        super::skipped(name, "there is no nft");
    }
    has
}

/// Packets of one sort that go out, counted for each interface by the firewall.
pub(crate) struct Counted {
    nft: String,
    interfaces: Vec<String>,
}

impl Counted {
    /// None where the test `name` is to be skipped, which is said.
    pub(crate) fn of(name: &str, what: &str, interfaces: &[&str]) -> Option<Counted> {
        Counted::with("nft".to_owned(), name, what, interfaces)
    }

    /// As [`Counted::of`], on another machine's network.
    pub(crate) fn inside(
        network: &str,
        name: &str,
        what: &str,
        interfaces: &[&str],
    ) -> Option<Counted> {
        let nft = format!("ip netns exec {network} nft");
        Counted::with(nft, name, what, interfaces)
    }

    fn with(nft: String, name: &str, what: &str, interfaces: &[&str]) -> Option<Counted> {
        if !has_nft(name) {
            return None;
        }
        let mut script = format!(
            "{nft} 'add table inet counted; add chain inet counted c {{ type filter hook output priority 0; }}'\n"
        );
        for interface in interfaces {
            script += &format!(
                "{nft} 'add counter inet counted {interface}; add rule inet counted c {what} oifname {interface} counter name {interface}'\n"
            );
        }
        shell(&script);
        Some(Counted {
            nft,
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    /// How many there were so far, in the order of the interfaces.
    pub(crate) fn packets(&self) -> Vec<u64> {
        self.counted("packets ")
    }

    /// How many bytes they had, headers of IP included.
    pub(crate) fn bytes(&self) -> Vec<u64> {
        self.counted("bytes ")
    }

    fn counted(&self, what: &str) -> Vec<u64> {
        let count = |interface: &String| {
            let list = format!("{} list counter inet counted {interface}", self.nft);
            let said = said_by(&list);
            let number = said.split(what).nth(1).unwrap();
            number.split_whitespace().next().unwrap().parse().unwrap()
        };
        self.interfaces.iter().map(count).collect()
    }
}
