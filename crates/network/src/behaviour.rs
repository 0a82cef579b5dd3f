//! What one swarm does: who may come in, who is found, and the one stream of each connection.

use libp2p::swarm::NetworkBehaviour;

use crate::door::Door;
use crate::finder::Finder;
use crate::stream::Streams;

/// The door stands first: whoever it turns away, the others never hear of.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) door: Door,
    pub(crate) finder: Finder,
    pub(crate) streams: Streams,
}
