//! The host's side: shows the code, keeps its bundle back until the code is confirmed.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::cpace::{self, Sent, Share, ShareError};
use super::schedule::{self, CodeKeys, PairKeys, Transcript};
use super::{Bundle, Channels, Device, Message, Number, PURPOSE_PARTNER, Paired, PairingError};
use super::{Party, SUITE, TAG, VERSION, tag_and_seal, tagged, versioned};
use crate::identity::{JournalId, StaticSecret};
use crate::invite::{Form, Invite};
use crate::seal::EpochSecret;
use crate::{kdf, lv};

const M1_SIZE: usize = 2 + 1 + 32 + 32;

/// 1. The host opens: `M0 = ver suite purpose(1) N_H(32)`, for purpose 1, a partner. The code on the
///    screen fixes `N_H`; `channels` is of this connection.
pub fn host(invite: &Invite, channels: Channels<'_>, device: Device) -> (HostWaitsM1, Vec<u8>) {
    let mut m0 = vec![VERSION, SUITE, PURPOSE_PARTNER];
    m0.extend_from_slice(invite.nonce());
    let state = HostWaitsM1 {
        invite: invite.clone(),
        device,
        ci: schedule::channel_identifier(channels),
        th: Transcript::new(channels).with(&m0),
    };
    (state, m0)
}

/// M0 is sent.
#[derive(Debug)]
pub struct HostWaitsM1 {
    pub(super) invite: Invite,
    pub(super) device: Device,
    pub(super) ci: Vec<u8>,
    pub(super) th: Transcript,
}

impl HostWaitsM1 {
    /// 2. `M1 = ver suite form(1) N_J(32) Y_J(32)` in, `M2 = ver suite Y_H(32) c_H(32)` out.
    ///    Nothing keyed by the code is sent yet. Takes 64 random bytes for `y_H`, then 32 for `e_H`.
    ///
    /// # Errors
    /// Sizes, version, suite, form, and a `Y_J` that is no point or gives the identity.
    pub fn m1(
        self,
        m1: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(HostWaitsM3, Vec<u8>), PairingError> {
        let wrong_size = PairingError::Size {
            message: Message::M1,
            got: m1.len(),
        };
        let rest = versioned(Message::M1, m1, M1_SIZE)?;
        let (form, rest) = rest.split_first().ok_or(wrong_size)?;
        let form = Form::try_from(*form).map_err(PairingError::UnknownForm)?;
        let (n_j, y_j) = rest.split_first_chunk::<32>().ok_or(wrong_size)?;
        let y_j: &[u8; 32] = y_j.try_into().map_err(|_| wrong_size)?;

        let sid = schedule::sid(self.invite.nonce(), n_j);
        let g = cpace::generator(self.invite.prs(form), &self.ci, &sid);
        let mut y_h = Zeroizing::new([0; 64]);
        rng.fill_bytes(y_h.as_mut());
        let share = Share::new(&g, &y_h);
        let k = share.shared(y_j).map_err(|e| match e {
            ShareError::NotAPoint => PairingError::NotAPoint(Message::M1),
            ShareError::Identity => PairingError::IdentityPoint,
        })?;
        let isk = cpace::isk(
            &sid,
            &k,
            Sent {
                share: y_j,
                data: b"joiner",
            },
            Sent {
                share: &share.public,
                data: b"host",
            },
        );

        let me = Party {
            device: self.device,
            ephemeral: StaticSecret::generate(rng),
        };
        let mut m2 = vec![VERSION, SUITE];
        m2.extend_from_slice(&share.public);
        m2.extend_from_slice(&schedule::commit(&me.bundle_bytes()));
        let th2 = self.th.with(m1).with(&m2);
        let keys = CodeKeys::new(&th2, &isk);
        Ok((HostWaitsM3 { me, th2, keys }, m2))
    }
}

/// M2 is sent; who is there has not shown that they know the code.
pub struct HostWaitsM3 {
    pub(super) me: Party,
    pub(super) th2: Transcript,
    pub(super) keys: CodeKeys,
}

impl HostWaitsM3 {
    /// 3. `M3 = tag_J(32) || AEAD(k_seal_J, aad = th2||tag_J, bundle_J)` in,
    ///    `M4 = tag_H(32) || AEAD(k_seal_H, aad = th3||tag_H, bundle_H)` out, with
    ///    `tag_J = HMAC(k_confirm_J, th2)`, `tag_H = HMAC(k_confirm_H, th3)`.
    ///
    /// The arrival of M3 kills the code whatever comes of it: tell
    /// [`CodeLife::m3`](crate::invite::CodeLife::m3) first.
    ///
    /// # Errors
    /// [`PairingError::WrongCode`] where the tag is not the one; sizes, the bundle, its keys.
    pub fn m3(self, m3: &[u8]) -> Result<(HostWaitsM5, Vec<u8>), PairingError> {
        let (tag, sealed) = tagged(Message::M3, m3)?;
        if !kdf::hmac_is(&self.keys.confirm_joiner, self.th2.hash(), tag) {
            return Err(PairingError::WrongCode);
        }
        let aad = [&self.th2.hash()[..], tag].concat();
        let bundle = kdf::open_once(&self.keys.seal_joiner, &aad, sealed)
            .map_err(|_| PairingError::Sealed(Message::M3))?;
        let (partner, e_j) = self.me.read_other(&bundle)?;
        let s_h = &self.me.device.static_secret;
        let dh = schedule::exchange_at_host(&self.me.ephemeral, s_h, &e_j, &partner.static_key)?;

        let th3 = self.th2.with(m3);
        let tag = kdf::hmac(&self.keys.confirm_host, th3.hash());
        let mine = self.me.bundle_bytes();
        let m4 = tag_and_seal(Message::M4, tag, &self.keys.seal_host, th3.hash(), &mine)?;
        let th4 = th3.with(&m4);
        let keys = PairKeys::new(&th4, &self.keys.prk1, &dh);
        Ok((HostWaitsM5 { partner, th4, keys }, m4))
    }
}

/// M4 is sent; both screens show the number.
pub struct HostWaitsM5 {
    pub(super) partner: Bundle,
    pub(super) th4: Transcript,
    pub(super) keys: PairKeys,
}

impl HostWaitsM5 {
    /// Who answers, by their own word.
    pub fn partner(&self) -> &Bundle {
        &self.partner
    }

    /// The number to compare with the other screen.
    pub fn number(&self) -> Number {
        self.keys.number
    }

    /// 4. `M5 = fin_J(32) = HMAC(k_finish_J, th4)`: the joiner's person said yes.
    ///
    /// # Errors
    /// [`PairingError::Finish`], or a wrong size.
    pub fn m5(self, m5: &[u8]) -> Result<HostConfirms, PairingError> {
        if m5.len() != TAG {
            return Err(PairingError::Size {
                message: Message::M5,
                got: m5.len(),
            });
        }
        if !kdf::hmac_is(&self.keys.finish_joiner, self.th4.hash(), m5) {
            return Err(PairingError::Finish(Message::M5));
        }
        let th5 = self.th4.with(m5);
        Ok(HostConfirms {
            partner: self.partner,
            th5,
            keys: self.keys,
        })
    }
}

/// The joiner said yes; the host's person may still say no, by dropping this.
pub struct HostConfirms {
    pub(super) partner: Bundle,
    pub(super) th5: Transcript,
    pub(super) keys: PairKeys,
}

impl HostConfirms {
    /// Who answers, by their own word.
    pub fn partner(&self) -> &Bundle {
        &self.partner
    }

    /// The number to compare with the other screen.
    pub fn number(&self) -> Number {
        self.keys.number
    }

    /// 5. The host's person says yes: the journal and its first epoch secret are made (32 random
    ///    bytes each, in this order), and
    ///    `M6 = fin_H(32) || AEAD(k_seal_space, aad = th5||fin_H, lv(journal_id, epoch_0_secret))`
    ///    with `fin_H = HMAC(k_finish_H, th5)`. Save the pair, then send M6.
    ///
    /// # Errors
    /// None that can be met: the AEAD refuses only lengths beyond any message.
    pub fn yes(self, rng: &mut dyn CryptoRng) -> Result<(Paired, Vec<u8>), PairingError> {
        let journal = JournalId::generate(rng);
        let epoch_0 = EpochSecret::generate(rng);
        let fin = kdf::hmac(&self.keys.finish_host, self.th5.hash());
        let space = Zeroizing::new(lv::of(&[&journal.0, epoch_0.expose()]));
        let m6 = tag_and_seal(
            Message::M6,
            fin,
            &self.keys.seal_space,
            self.th5.hash(),
            &space,
        )?;
        let PairKeys { root, number, .. } = self.keys;
        Ok((
            Paired::new(self.partner, root, journal, epoch_0, number),
            m6,
        ))
    }
}

macro_rules! debug_without_secrets {
    ($($state:ident),*) => {$(
        impl std::fmt::Debug for $state {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($state)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_secrets!(HostWaitsM3, HostWaitsM5, HostConfirms);
