//! Randomness that is not: bytes from the file, in the order in which the code asks for them.

use amends_keys::CryptoRng;
use rand_core::{Infallible, TryCryptoRng, TryRng};

use crate::file::Outcome;

/// Yields the given bytes; what is asked for beyond them is zeros, and remembered.
pub(crate) struct Given {
    bytes: std::collections::VecDeque<u8>,
    short: usize,
}

impl Given {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
            short: 0,
        }
    }

    /// The code must have asked for exactly what there was.
    pub(crate) fn all_used(&self, by: &str) -> Outcome<()> {
        let _: &dyn CryptoRng = self;
        match (self.bytes.len(), self.short) {
            (0, 0) => Ok(()),
            (left, 0) => Err(format!("{by} left {left} of the given random bytes")),
            (_, short) => Err(format!(
                "{by} asked for {short} random bytes more than given"
            )),
        }
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for byte in dst {
            *byte = self.bytes.pop_front().unwrap_or_else(|| {
                self.short += 1;
                0
            });
        }
        Ok(())
    }
}

impl TryCryptoRng for Given {}
