//! Whether the machine's interfaces run: have their cable, or their radio network.
//!
//! An address stays while its cable is out, and so nothing is heard of that by whoever watches addresses. Linux tells of it by
//! netlink (rtnetlink(7), `RTM_NEWLINK` with `IFF_RUNNING`); what is told is taken as a sign to look. Elsewhere it is found
//! out when something else gives reason to look.

use std::net::IpAddr;

#[cfg(target_os = "linux")]
use futures::FutureExt;
#[cfg(target_os = "linux")]
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

use crate::interfaces;

/// The group of those who are told about interfaces: `RTMGRP_LINK` of `rtnetlink.h`.
#[cfg(target_os = "linux")]
const INTERFACES: u32 = 1;

/// What changed since it was last looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Some interface runs that did not.
    pub(crate) plugged: bool,
    /// Some runs no more, and keeps its address.
    pub(crate) unplugged: bool,
}

/// The addresses whose interfaces run.
pub(crate) struct Cables {
    running: Vec<IpAddr>,
    #[cfg(target_os = "linux")]
    told: Option<TokioSocket>,
}

impl Cables {
    /// With the addresses whose interfaces run now.
    pub(crate) fn new(running: Vec<IpAddr>) -> Self {
        Self {
            running,
            #[cfg(target_os = "linux")]
            told: listen().ok(),
        }
    }

    /// Ready when something may have changed.
    #[cfg(target_os = "linux")]
    pub(crate) async fn changed(&mut self) {
        let Some(socket) = &mut self.told else {
            return std::future::pending().await;
        };
        // What it says is not read: a look shows it.
        let mut message = Vec::with_capacity(8192);
        match socket.recv(&mut message).await {
            Ok(_) => {
                while let Some(Ok(_)) = socket.recv(&mut Vec::with_capacity(8192)).now_or_never() {}
            }
            // More was told than there is room for, and that is told by an error.
            Err(error) if error.raw_os_error() == Some(NO_ROOM) => {}
            Err(_) => self.told = None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) async fn changed(&mut self) {
        std::future::pending().await
    }

    /// Looks at the interfaces.
    pub(crate) fn look(&mut self) -> Changed {
        let Ok(seen) = interfaces::look() else {
            return Changed::default();
        };
        let before = std::mem::replace(&mut self.running, seen.running);
        Changed {
            plugged: self.running.iter().any(|address| !before.contains(address)),
            unplugged: before
                .iter()
                .any(|address| seen.up.contains(address) && !self.running.contains(address)),
        }
    }
}

/// `ENOBUFS` of Linux.
#[cfg(target_os = "linux")]
const NO_ROOM: i32 = 105;

#[cfg(target_os = "linux")]
fn listen() -> std::io::Result<TokioSocket> {
    let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
    socket.socket_mut().bind(&SocketAddr::new(0, INTERFACES))?;
    Ok(socket)
}
