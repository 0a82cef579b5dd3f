//! The draft's own vectors, and another CPace with random inputs.

use super::*;
use data_encoding::HEXLOWER;
use pakery_core::PakeError;
use pakery_core::crypto::{CpaceGroup, Hash};
use pakery_cpace::{CpaceCiphersuite, CpaceInitiator, CpaceMode, CpaceResponder};
use proptest::prelude::*;
use rand_core::CryptoRng;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!(
        "../../../tests/vectors/cpace-ristr255-sha512.json"
    ))
    .unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn hex32(value: &Value) -> [u8; 32] {
    hex(value).try_into().unwrap()
}

fn scalar(value: &Value) -> Scalar {
    Scalar::from_canonical_bytes(hex32(value)).unwrap()
}

#[test]
fn the_draft_s_vectors() {
    let v = vectors();
    let (prs, ci, sid) = (hex(&v["PRS"]), hex(&v["CI"]), hex(&v["sid"]));
    assert_eq!(
        *generator_string(&prs, &ci, &sid),
        hex(&v["generator_string"])
    );
    let g = generator(&prs, &ci, &sid);
    assert_eq!(g.compress().to_bytes(), hex32(&v["g"]));
    let a = Share::from_scalar(&g, scalar(&v["ya"]));
    let b = Share::from_scalar(&g, scalar(&v["yb"]));
    assert_eq!(a.public, hex32(&v["Ya"]));
    assert_eq!(b.public, hex32(&v["Yb"]));
    let k = a.shared(&b.public).unwrap();
    assert_eq!(*k, hex32(&v["K"]));
    assert_eq!(b.shared(&a.public), Ok(k.clone()));
    let (ad_a, ad_b) = (hex(&v["ADa"]), hex(&v["ADb"]));
    let isk = isk(
        &sid,
        &k,
        Sent {
            share: &a.public,
            data: &ad_a,
        },
        Sent {
            share: &b.public,
            data: &ad_b,
        },
    );
    assert_eq!(isk[..], hex(&v["ISK_IR"]));
}

#[test]
fn the_draft_s_valid_and_invalid_points() {
    let v = &vectors()["scalar_mult"];
    let g = generator(b"any", b"", b"");
    let share = Share::from_scalar(&g, scalar(&v["s"]));
    assert_eq!(
        share.shared(&hex32(&v["X"])).map(|k| *k),
        Ok(hex32(&v["result"]))
    );
    assert_eq!(
        share.shared(&hex32(&v["invalid"][0])),
        Err(ShareError::NotAPoint)
    );
    assert_eq!(
        share.shared(&hex32(&v["invalid"][1])),
        Err(ShareError::Identity)
    );
}

#[test]
fn spellings_that_are_not_canonical_are_no_points() {
    // RFC 9496, appendix A.3: non-canonical field elements, negative ones, non-square x^2.
    let share = Share::new(&generator(b"any", b"", b""), &[7; 64]);
    for bad in [
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    ] {
        let bytes = HEXLOWER.decode(bad.as_bytes()).unwrap().try_into().unwrap();
        assert_eq!(share.shared(&bytes), Err(ShareError::NotAPoint), "{bad}");
    }
}

#[derive(Clone, PartialEq)]
struct Ristretto(RistrettoPoint);

impl CpaceGroup for Ristretto {
    type Scalar = Scalar;

    fn scalar_mul(&self, scalar: &Scalar) -> Self {
        Self(self.0 * scalar)
    }
    fn is_identity(&self) -> bool {
        IsIdentity::is_identity(&self.0)
    }
    fn to_bytes(&self) -> Vec<u8> {
        self.0.compress().to_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Result<Self, PakeError> {
        let point = CompressedRistretto::from_slice(bytes).map_err(|_| PakeError::InvalidPoint)?;
        point.decompress().map(Self).ok_or(PakeError::InvalidPoint)
    }
    fn from_uniform_bytes(bytes: &[u8]) -> Result<Self, PakeError> {
        let bytes = bytes.try_into().map_err(|_| PakeError::InvalidPoint)?;
        Ok(Self(RistrettoPoint::from_uniform_bytes(bytes)))
    }
    fn random_scalar(rng: &mut impl CryptoRng) -> Scalar {
        let mut wide = [0; 64];
        rng.fill_bytes(&mut wide);
        Scalar::from_bytes_mod_order_wide(&wide)
    }
    fn add(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }
    fn negate(&self) -> Self {
        Self(-self.0)
    }
    fn basepoint_mul(scalar: &Scalar) -> Self {
        Self(RistrettoPoint::mul_base(scalar))
    }
    fn scalar_from_wide_bytes(bytes: &[u8]) -> Result<Scalar, PakeError> {
        let bytes = bytes.try_into().map_err(|_| PakeError::InvalidPoint)?;
        Ok(Scalar::from_bytes_mod_order_wide(bytes))
    }
    fn scalar_to_bytes(scalar: &Scalar) -> Vec<u8> {
        scalar.to_bytes().to_vec()
    }
}

#[derive(Clone)]
struct OracleSha512(Sha512);

impl Hash for OracleSha512 {
    const OUTPUT_SIZE: usize = 64;

    fn new() -> Self {
        Self(Sha512::new())
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
    fn finalize(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

struct Oracle;

impl CpaceCiphersuite for Oracle {
    type Group = Ristretto;
    type Hash = OracleSha512;
    const DSI: &'static [u8] = DSI;
    const HASH_BLOCK_SIZE: usize = 128;
    const FIELD_SIZE_BYTES: usize = 32;
}

/// Gives the same 64 bytes every time it is asked for 64.
struct Fixed([u8; 64]);

impl rand_core::TryRng for Fixed {
    type Error = rand_core::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unimplemented!()
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unimplemented!()
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        dst.copy_from_slice(&self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_cpace_computes_the_same(
        prs in prop::collection::vec(any::<u8>(), 0..150),
        ci in prop::collection::vec(any::<u8>(), 0..200),
        sid in prop::collection::vec(any::<u8>(), 0..80),
        y in prop::collection::vec(any::<u8>(), 128),
    ) {
        let (y_a, y_b) = y.split_at(64);
        let (y_a, y_b) = (y_a.try_into().unwrap(), y_b.try_into().unwrap());
        let g = generator(&prs, &ci, &sid);
        let (a, b) = (Share::new(&g, &y_a), Share::new(&g, &y_b));
        let k = a.shared(&b.public).unwrap();
        let ours = isk(
            &sid,
            &k,
            Sent { share: &a.public, data: b"joiner" },
            Sent { share: &b.public, data: b"host" },
        );

        let mode = CpaceMode::InitiatorResponder;
        let (oracle_a, state) =
            CpaceInitiator::<Oracle>::start(&prs, &ci, &sid, b"joiner", &mut Fixed(y_a)).unwrap();
        let (oracle_b, at_b) = CpaceResponder::<Oracle>::respond(
            &oracle_a, &prs, &ci, &sid, b"joiner", b"host", mode, &mut Fixed(y_b),
        ).unwrap();
        let at_a = state.finish(&oracle_b, b"host", mode).unwrap();
        prop_assert_eq!(&oracle_a[..], &a.public[..]);
        prop_assert_eq!(&oracle_b[..], &b.public[..]);
        prop_assert_eq!(at_a.isk.as_bytes(), &ours[..]);
        prop_assert_eq!(at_b.isk.as_bytes(), &ours[..]);
    }
}
