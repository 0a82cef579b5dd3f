//! `lv(a, b, …)`: each item's length in unsigned LEB128, then its bytes (`docs/PROTOCOL.md`, head;
//! the `lv_cat` of draft-irtf-cfrg-cpace-21, appendix A.1). There is one encoding of every list of
//! items, and the reader accepts no other.

use thiserror::Error;

/// Appends one item to `out`: its length, then its bytes.
pub fn write(out: &mut Vec<u8>, item: &[u8]) {
    let mut left = item.len();
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(item);
}

/// All items in line.
pub fn of(items: &[&[u8]]) -> Vec<u8> {
    let room = items
        .iter()
        .map(|item| item.len().saturating_add(10))
        .fold(0, usize::saturating_add);
    let mut out = Vec::with_capacity(room);
    for item in items {
        write(&mut out, item);
    }
    out
}

/// Why bytes are not a list of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LvError {
    #[error("the bytes end inside an item: {expected} expected, {got} left")]
    Truncated { expected: u64, got: usize },
    #[error("a length is written in more bytes than it needs")]
    NotMinimal,
    #[error("a length is longer than 64 bits")]
    LengthTooLong,
    #[error("{0} bytes follow the last item")]
    Trailing(usize),
}

/// Reads items one after the other. Allocates nothing.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first item.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next item.
    ///
    /// # Errors
    /// Where the bytes end too early or the length has another form than [`write()`] gives it. The
    /// reader then stays where it was.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<&'a [u8], LvError> {
        let (len, rest) = length(self.rest)?;
        let truncated = LvError::Truncated {
            expected: len,
            got: rest.len(),
        };
        let len = usize::try_from(len).map_err(|_| truncated)?;
        let (item, rest) = rest.split_at_checked(len).ok_or(truncated)?;
        self.rest = rest;
        Ok(item)
    }

    /// Whether every item was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the reading: nothing may be left.
    ///
    /// # Errors
    /// [`LvError::Trailing`] with the number of bytes left.
    pub fn finish(self) -> Result<(), LvError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(LvError::Trailing(left)),
        }
    }
}

fn length(bytes: &[u8]) -> Result<(u64, &[u8]), LvError> {
    let mut len = 0_u64;
    let mut rest = bytes;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(LvError::Truncated {
            expected: 1,
            got: 0,
        })?;
        rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(LvError::LengthTooLong);
        }
        len |= bits << shift;
        if byte & 0x80 == 0 {
            // A last byte of zero says nothing that the bytes before it did not.
            return if byte == 0 && shift > 0 {
                Err(LvError::NotMinimal)
            } else {
                Ok((len, rest))
            };
        }
    }
    Err(LvError::LengthTooLong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(bytes: &[u8]) -> Result<Vec<Vec<u8>>, LvError> {
        let mut reader = Reader::new(bytes);
        let mut items = Vec::new();
        while !reader.is_empty() {
            items.push(reader.next()?.to_vec());
        }
        reader.finish().map(|()| items)
    }

    #[test]
    fn lengths_are_written_as_the_draft_writes_them() {
        assert_eq!(
            of(&[b"1234", b"5", b"", b"678"]),
            b"\x041234\x015\x00\x03678"
        );
        let long = vec![7; 300];
        assert_eq!(of(&[&long])[..2], [0xac, 0x02]);
        assert_eq!(of(&[]), b"");
    }

    #[test]
    fn each_other_form_is_refused_by_name() {
        assert_eq!(read_all(&[0x81, 0x00, 9]), Err(LvError::NotMinimal));
        assert_eq!(read_all(&[0x80, 0x00]), Err(LvError::NotMinimal));
        assert_eq!(
            read_all(&[3, 1, 2]),
            Err(LvError::Truncated {
                expected: 3,
                got: 2
            })
        );
        assert_eq!(
            read_all(&[0x80]),
            Err(LvError::Truncated {
                expected: 1,
                got: 0
            })
        );
        assert_eq!(read_all(&[0xff; 12]), Err(LvError::LengthTooLong));
        let mut over = [0xff; 10];
        over[9] = 0x02;
        assert_eq!(read_all(&over), Err(LvError::LengthTooLong));
        over[9] = 0x01;
        assert_eq!(
            read_all(&over),
            Err(LvError::Truncated {
                expected: u64::MAX,
                got: 0
            })
        );
        let mut one = Reader::new(&[1, 5, 6, 7]);
        assert_eq!(one.next(), Ok(&[5][..]));
        assert_eq!(one.finish(), Err(LvError::Trailing(2)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            let slices: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(read_all(&of(&slices)), Ok(items));
        }

        #[test]
        fn what_is_read_has_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(items) = read_all(&bytes) {
                let slices: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
                prop_assert_eq!(of(&slices), bytes);
            }
        }
    }
}
