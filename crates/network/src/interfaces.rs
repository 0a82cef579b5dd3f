//! The addresses of this machine's real interfaces.

use std::io;
use std::net::IpAddr;

use if_addrs::Interface;

/// How the names of tunnels, bridges of containers and interfaces of virtual machines begin.
const NOT_REAL: [&str; 22] = [
    "tun",
    "tap",
    "wg",
    "utun",
    "tailscale",
    "zt",
    "ppp",
    "ipsec",
    "gif",
    "stf",
    "docker",
    "podman",
    "br-",
    "virbr",
    "lxcbr",
    "lxdbr",
    "cni",
    "flannel",
    "cali",
    "vboxnet",
    "vmnet",
    "awdl",
];

/// How many of them, from the first on, are tunnels.
const TUNNELS: usize = 10;

/// The addresses of real interfaces at one moment, in order, without loopback and IPv6 link-local ones (libp2p cannot dial the
/// latter: rust-libp2p issue 5608).
pub(crate) struct Seen {
    /// Of every one that is up.
    pub(crate) up: Vec<IpAddr>,
    /// Of those that run: an address stays while the cable of its interface is out.
    pub(crate) running: Vec<IpAddr>,
}

/// Asks the system for all interfaces.
pub(crate) fn look() -> io::Result<Seen> {
    let mut all: Vec<Interface> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|interface| serves(interface.ip()) && is_real(&interface.name))
        .collect();
    all.sort_by_key(Interface::ip);
    let addresses = |which: fn(&Interface) -> bool| {
        let mut addresses: Vec<IpAddr> = all
            .iter()
            .filter(|interface| which(interface))
            .map(Interface::ip)
            .collect();
        addresses.dedup();
        addresses
    };
    Ok(Seen {
        up: addresses(|_| true),
        running: addresses(Interface::is_oper_up),
    })
}

/// Whether others could dial this address.
pub(crate) fn serves(ip: IpAddr) -> bool {
    let link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !(link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

/// Whether others may be found on the interface of this name.
pub(crate) fn is_real(name: &str) -> bool {
    if NOT_REAL.iter().any(|prefix| name.starts_with(prefix)) {
        return false;
    }
    system_says_real(name)
}

/// Whether the interface of this name leads elsewhere, through a VPN for example; asked only of those that are not real.
pub(crate) fn is_tunnel(name: &str) -> bool {
    let named = NOT_REAL
        .iter()
        .position(|prefix| name.starts_with(prefix))
        .is_some_and(|at| at < TUNNELS);
    let inside = NOT_REAL.iter().any(|prefix| name.starts_with(prefix));
    named || (!inside && !name.starts_with("veth"))
}

/// Linux knows more than the name tells: a tunnel by its link type (ARPHRD_PPP 512, TUNNEL 768, TUNNEL6 769, SIT 776,
/// IPGRE 778, IP6GRE 823, NONE 65534, from `if_arp.h`), and the host's end of a container's cable by its being plugged
/// into a bridge. A container's own end is not, and is as real as it gets there.
#[cfg(target_os = "linux")]
fn system_says_real(name: &str) -> bool {
    // A name with a slash cannot be (dev_valid_name in the kernel), and would lead elsewhere.
    if name.contains('/') {
        return false;
    }
    let folder = std::path::Path::new("/sys/class/net").join(name);
    let link_type = std::fs::read_to_string(folder.join("type")).unwrap_or_default();
    let tunnel = matches!(
        link_type.trim(),
        "512" | "768" | "769" | "776" | "778" | "823" | "65534"
    );
    let plugged_in = name.starts_with("veth") && folder.join("master").exists();
    !(tunnel || plugged_in)
}

#[cfg(not(target_os = "linux"))]
fn system_says_real(_: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_and_bridges_of_containers_are_left_out() {
        for name in [
            "tun0",
            "tap1",
            "wg0",
            "utun3",
            "docker0",
            "br-1a2b3c",
            "virbr0",
            "a/../b",
        ] {
            assert!(!is_real(name), "{name}");
        }
        for name in ["eth0", "wlan0", "enp3s0", "en0", "br0", "Ethernet", "veth0"] {
            assert!(is_real(name), "{name}");
        }
    }

    #[test]
    fn a_vpn_is_told_from_a_bridge_of_containers() {
        for name in ["tun0", "wg0", "tailscale0", "utun3", "ppp0", "proton0"] {
            assert!(is_tunnel(name), "{name}");
        }
        for name in ["docker0", "br-1a2b3c", "virbr0", "vmnet1", "veth12ab"] {
            assert!(!is_tunnel(name), "{name}");
        }
    }

    #[test]
    fn addresses_nobody_else_can_dial_are_left_out() {
        for ip in ["127.0.0.1", "::1", "fe80::1", "0.0.0.0", "224.0.0.1"] {
            assert!(!serves(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["10.0.0.7", "169.254.3.4", "2001:db8::1", "fd00::1"] {
            assert!(serves(ip.parse().unwrap()), "{ip}");
        }
    }
}
