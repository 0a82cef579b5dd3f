//! Reads numbers and slices off the front of bytes that nobody has checked. Nothing here allocates,
//! and nothing here trusts a length before it has seen the bytes.

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// A length points beyond the end.
    #[error("cut short")]
    Short,
    /// A LEB128 number that is longer than its shortest form, or does not fit 64 bits.
    #[error("a number is not in its shortest form")]
    Number,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ReadFault> {
        let (first, rest) = self.0.split_first().ok_or(ReadFault::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, n: u64) -> Result<&'a [u8], ReadFault> {
        let n = usize::try_from(n).map_err(|_| ReadFault::Short)?;
        let (taken, rest) = self.0.split_at_checked(n).ok_or(ReadFault::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadFault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ReadFault::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Unsigned LEB128, shortest form only.
    pub(crate) fn u64(&mut self) -> Result<u64, ReadFault> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ReadFault::Number);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if shift > 0 && byte == 0 {
                    Err(ReadFault::Number)
                } else {
                    Ok(value)
                };
            }
        }
        Err(ReadFault::Number)
    }

    /// Signed LEB128, shortest form only.
    pub(crate) fn i64(&mut self) -> Result<i64, ReadFault> {
        let mut value = 0i64;
        let mut before = 0u8;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let sign_only =
                    (byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0);
                if (shift > 0 && sign_only) || (shift == 63 && byte != 0 && byte != 0x7f) {
                    return Err(ReadFault::Number);
                }
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
            before = byte;
        }
        Err(ReadFault::Number)
    }

    /// A length in LEB128 and so many bytes.
    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], ReadFault> {
        let n = self.u64()?;
        self.take(n)
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, ReadFault> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| ReadFault::Utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leb128;
    use proptest::prelude::*;

    #[test]
    fn longer_forms_and_numbers_beyond_64_bits_are_refused() {
        assert_eq!(Reader(&[0x81, 0x00]).u64(), Err(ReadFault::Number));
        assert_eq!(Reader(&[0xff; 12]).u64(), Err(ReadFault::Number));
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).u64(),
            Err(ReadFault::Number)
        );
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).u64(),
            Ok(u64::MAX)
        );
        assert_eq!(Reader(&[0x80]).u64(), Err(ReadFault::Short));
        assert_eq!(Reader(&[0xff, 0x7f]).i64(), Err(ReadFault::Number));
        assert_eq!(Reader(&[0x80, 0x00]).i64(), Err(ReadFault::Number));
        assert_eq!(Reader(&[0x7f]).i64(), Ok(-1));
        assert_eq!(
            Reader(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]).i64(),
            Ok(i64::MIN)
        );
        assert_eq!(Reader(&[5, 1]).prefixed(), Err(ReadFault::Short));
    }

    fn signed(mut value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
                out.push(byte);
                return out;
            }
            out.push(byte | 0x80);
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(n: u64, i: i64) {
            let mut bytes = Vec::new();
            leb128(n, &mut bytes);
            prop_assert_eq!(Reader(&bytes).u64(), Ok(n));
            prop_assert_eq!(Reader(&signed(i)).i64(), Ok(i));
        }
    }
}
