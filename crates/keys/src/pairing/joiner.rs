//! The joiner's side: enters the code, and by M3 commits to one guess.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cpace::{self, Sent, Share, ShareError};
use super::schedule::{self, CodeKeys, PairKeys, Transcript};
use super::{Bundle, Channels, Device, Message, Number, PURPOSE_PARTNER, Paired, PairingError};
use super::{Party, SUITE, SpaceError, VERSION, tag_and_seal, tagged, versioned};
use crate::identity::{JournalId, StaticSecret};
use crate::invite::Entered;
use crate::seal::EpochSecret;
use crate::{kdf, lv};

const M0_SIZE: usize = 2 + 1 + 32;
const M2_SIZE: usize = 2 + 32 + 32;

/// 1. The joiner has entered a code and a host has answered.
///
/// # Errors
/// [`PairingError::OtherHost`] where a scanned code names another `chan_H`.
pub fn join(
    entered: &Entered,
    channels: Channels<'_>,
    device: Device,
) -> Result<JoinerWaitsM0, PairingError> {
    if let Entered::Scanned(scanned) = entered
        && scanned.host() != channels.host
    {
        return Err(PairingError::OtherHost);
    }
    Ok(JoinerWaitsM0 {
        entered: entered.clone(),
        device,
        ci: schedule::channel_identifier(channels),
        th: Transcript::new(channels),
    })
}

/// Connected; nothing was said yet.
#[derive(Debug)]
pub struct JoinerWaitsM0 {
    pub(super) entered: Entered,
    pub(super) device: Device,
    pub(super) ci: Vec<u8>,
    pub(super) th: Transcript,
}

impl JoinerWaitsM0 {
    /// 2. `M0 = ver suite purpose(1) N_H(32)` in, `M1 = ver suite form(1) N_J(32) Y_J(32)` out.
    ///    Takes 32 random bytes for `N_J`, then 64 for `y_J`, fresh for each attempt.
    ///
    /// # Errors
    /// Sizes, version, suite, and a purpose that this program does not have.
    pub fn m0(
        self,
        m0: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(JoinerWaitsM2, Vec<u8>), PairingError> {
        let wrong_size = PairingError::Size {
            message: Message::M0,
            got: m0.len(),
        };
        let rest = versioned(Message::M0, m0, M0_SIZE)?;
        let (purpose, n_h) = rest.split_first().ok_or(wrong_size)?;
        match *purpose {
            PURPOSE_PARTNER => {}
            // An own device and a restored one: known to the protocol, not built yet.
            not_yet @ (2 | 3) => return Err(PairingError::PurposeNotYet(not_yet)),
            unknown => return Err(PairingError::UnknownPurpose(unknown)),
        }
        let n_h: &[u8; 32] = n_h.try_into().map_err(|_| wrong_size)?;

        let mut n_j = [0; 32];
        rng.fill_bytes(&mut n_j);
        let mut y_j = Zeroizing::new([0; 64]);
        rng.fill_bytes(y_j.as_mut());
        let sid = schedule::sid(n_h, &n_j);
        let g = cpace::generator(self.entered.prs(), &self.ci, &sid);
        let share = Share::new(&g, &y_j);

        let mut m1 = vec![VERSION, SUITE, self.entered.form().into()];
        m1.extend_from_slice(&n_j);
        m1.extend_from_slice(&share.public);
        let th1 = self.th.with(m0).with(&m1);
        Ok((
            JoinerWaitsM2 {
                device: self.device,
                sid,
                share,
                th1,
            },
            m1,
        ))
    }
}

/// M1 is sent. Until M3 leaves, giving up costs no guess.
pub struct JoinerWaitsM2 {
    pub(super) device: Device,
    pub(super) sid: [u8; 64],
    pub(super) share: Share,
    pub(super) th1: Transcript,
}

impl JoinerWaitsM2 {
    /// 3. `M2 = ver suite Y_H(32) c_H(32)` in,
    ///    `M3 = tag_J(32) || AEAD(k_seal_J, aad = th2||tag_J, bundle_J)` out. Takes 32 random bytes
    ///    for `e_J`.
    ///
    /// Before M3 is sent the code goes into
    /// [`TriedCodes`](crate::invite::TriedCodes::sending), and that onto the disk.
    ///
    /// # Errors
    /// Sizes, version, suite, and a `Y_H` that is no point or gives the identity.
    pub fn m2(
        self,
        m2: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(JoinerWaitsM4, Vec<u8>), PairingError> {
        let wrong_size = PairingError::Size {
            message: Message::M2,
            got: m2.len(),
        };
        let rest = versioned(Message::M2, m2, M2_SIZE)?;
        let (y_h, c_h) = rest.split_first_chunk::<32>().ok_or(wrong_size)?;
        let c_h: [u8; 32] = c_h.try_into().map_err(|_| wrong_size)?;
        let k = self.share.shared(y_h).map_err(|e| match e {
            ShareError::NotAPoint => PairingError::NotAPoint(Message::M2),
            ShareError::Identity => PairingError::IdentityPoint,
        })?;
        let isk = cpace::isk(
            &self.sid,
            &k,
            Sent {
                share: &self.share.public,
                data: b"joiner",
            },
            Sent {
                share: y_h,
                data: b"host",
            },
        );

        let th2 = self.th1.with(m2);
        let keys = CodeKeys::new(&th2, &isk);
        let me = Party {
            device: self.device,
            ephemeral: StaticSecret::generate(rng),
        };
        let tag = kdf::hmac(&keys.confirm_joiner, th2.hash());
        let mine = me.bundle_bytes();
        let m3 = tag_and_seal(Message::M3, tag, &keys.seal_joiner, th2.hash(), &mine)?;
        let th3 = th2.with(&m3);
        Ok((JoinerWaitsM4 { me, c_h, th3, keys }, m3))
    }
}

/// M3 is sent: one guess is spent.
pub struct JoinerWaitsM4 {
    pub(super) me: Party,
    pub(super) c_h: [u8; 32],
    pub(super) th3: Transcript,
    pub(super) keys: CodeKeys,
}

impl JoinerWaitsM4 {
    /// 4. `M4 = tag_H(32) || AEAD(k_seal_H, aad = th3||tag_H, bundle_H)`; the bundle must be the
    ///    one that `c_H` committed to before a number is shown.
    ///
    /// # Errors
    /// [`PairingError::WrongCode`] where the tag is not the one (where the host saw it first, the
    /// joiner only sees it hang up); sizes, the bundle, its keys, the commitment.
    pub fn m4(self, m4: &[u8]) -> Result<JoinerConfirms, PairingError> {
        let (tag, sealed) = tagged(Message::M4, m4)?;
        if !kdf::hmac_is(&self.keys.confirm_host, self.th3.hash(), tag) {
            return Err(PairingError::WrongCode);
        }
        let aad = [&self.th3.hash()[..], tag].concat();
        let bundle = kdf::open_once(&self.keys.seal_host, &aad, sealed)
            .map_err(|_| PairingError::Sealed(Message::M4))?;
        if !bool::from(schedule::commit(&bundle).ct_eq(&self.c_h)) {
            return Err(PairingError::CommitMismatch);
        }
        let (partner, e_h) = self.me.read_other(&bundle)?;
        let s_j = &self.me.device.static_secret;
        let dh = schedule::exchange_at_joiner(&self.me.ephemeral, s_j, &e_h, &partner.static_key)?;
        let th4 = self.th3.with(m4);
        let keys = PairKeys::new(&th4, &self.keys.prk1, &dh);
        Ok(JoinerConfirms { partner, th4, keys })
    }
}

/// Both screens show the number; a no is: drop this.
pub struct JoinerConfirms {
    pub(super) partner: Bundle,
    pub(super) th4: Transcript,
    pub(super) keys: PairKeys,
}

impl JoinerConfirms {
    /// Who hosts, by their own word.
    pub fn partner(&self) -> &Bundle {
        &self.partner
    }

    /// The number to compare with the other screen.
    pub fn number(&self) -> Number {
        self.keys.number
    }

    /// 5. The joiner's person says yes: `M5 = fin_J(32) = HMAC(k_finish_J, th4)`.
    pub fn yes(self) -> (JoinerWaitsM6, Vec<u8>) {
        let m5 = kdf::hmac(&self.keys.finish_joiner, self.th4.hash()).to_vec();
        let th5 = self.th4.with(&m5);
        (
            JoinerWaitsM6 {
                partner: self.partner,
                th5,
                keys: self.keys,
            },
            m5,
        )
    }
}

/// M5 is sent; the host's person has not answered yet.
pub struct JoinerWaitsM6 {
    pub(super) partner: Bundle,
    pub(super) th5: Transcript,
    pub(super) keys: PairKeys,
}

impl JoinerWaitsM6 {
    /// Who hosts, by their own word.
    pub fn partner(&self) -> &Bundle {
        &self.partner
    }

    /// The number, still on the screen.
    pub fn number(&self) -> Number {
        self.keys.number
    }

    /// 6. `M6 = fin_H(32) || AEAD(k_seal_space, aad = th5||fin_H, lv(journal_id, epoch_0_secret))`.
    ///
    /// # Errors
    /// [`PairingError::Finish`], a changed seal, or something else inside it.
    pub fn m6(self, m6: &[u8]) -> Result<Paired, PairingError> {
        let (fin, sealed) = tagged(Message::M6, m6)?;
        if !kdf::hmac_is(&self.keys.finish_host, self.th5.hash(), fin) {
            return Err(PairingError::Finish(Message::M6));
        }
        let aad = [&self.th5.hash()[..], fin].concat();
        let space = kdf::open_once(&self.keys.seal_space, &aad, sealed)
            .map_err(|_| PairingError::Sealed(Message::M6))?;
        let (journal, epoch_0) = read_space(&space).map_err(PairingError::Space)?;
        let PairKeys { root, number, .. } = self.keys;
        Ok(Paired::new(self.partner, root, journal, epoch_0, number))
    }
}

/// `lv(journal_id, epoch_0_secret)`
pub(super) fn read_space(bytes: &[u8]) -> Result<(JournalId, EpochSecret), SpaceError> {
    let mut items = lv::Reader::new(bytes);
    let mut item = || {
        let item = items.next()?;
        <&[u8; 32]>::try_from(item).map_err(|_| SpaceError::ItemSize(item.len()))
    };
    let (journal, epoch_0) = (item()?, item()?);
    items.finish()?;
    Ok((JournalId(*journal), EpochSecret::from_bytes(epoch_0)))
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

debug_without_secrets!(JoinerWaitsM2, JoinerWaitsM4, JoinerConfirms, JoinerWaitsM6);
