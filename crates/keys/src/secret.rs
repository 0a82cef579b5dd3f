//! The shape that every 32-byte secret of this crate has, and how a stack is rid of what was worked out on it.

/// How deep. Deriving, signing and exchanging keys takes some kilobytes, a few times that unoptimised; no thread's stack is as
/// small as this.
const DEEP: usize = 64 << 10;

/// Does `work`, and overwrites what it left on this thread's stack, 64 KiB deep.
///
/// Secrets are kept on the heap and wiped there. But ciphers, hashes and curves take them by value to work with them, and what that
/// leaves on the stack is wiped by nobody. So whatever meets keys in a thread is wrapped in this, once, as near to where the
/// thread begins as can be.
pub fn wiping_stack<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    overwrite();
    done
}

/// Never inlined: its stack must lie below that of the caller, where [`overwrite`]'s will lie.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    core::hint::black_box(&mut [0_u8; DEEP]);
}

/// Declares a type that holds 32 secret bytes: on the heap, so that moving it leaves no copy
/// behind, wiped on drop, compared in constant time, with neither `Display` nor a telling `Debug`.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Box<[u8; 32]>);

        impl $name {
            /// 32 new random bytes.
            pub fn generate(rng: &mut dyn rand_core::CryptoRng) -> Self {
                let mut secret = Self(Box::new([0; 32]));
                rand_core::Rng::fill_bytes(rng, secret.0.as_mut());
                secret
            }

            /// Takes back what [`Self::expose`] gave. The caller wipes its own copy.
            pub fn from_bytes(bytes: &[u8; 32]) -> Self {
                // From heap to heap: what is made on the stack first stays there.
                let mut secret = Self(Box::new([0; 32]));
                *secret.0 = *bytes;
                secret
            }

            /// The secret itself, for storing it sealed. Nothing else should need it.
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                zeroize::Zeroize::zeroize(self.0.as_mut());
            }
        }

        impl zeroize::ZeroizeOnDrop for $name {}

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
            }
        }

        impl Eq for $name {}

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(secret)"))
            }
        }
    };
}

pub(crate) use secret_bytes;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::hint::black_box;
    use std::os::unix::fs::FileExt;

    use super::*;

    /// Works on a secret some kilobytes down the stack. Gives the place where it stood.
    #[inline(never)]
    fn works() -> u64 {
        let room = black_box([0_u8; 8192]);
        let secret = black_box([0xa5_u8; 32]);
        let at = black_box(&secret).as_ptr() as u64;
        black_box((room, secret));
        at
    }

    /// How many bytes of the secret still stand there. The file is opened before, so that nothing is called in between.
    fn left_by(work: impl FnOnce() -> u64) -> usize {
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let mut bytes = Box::new([0_u8; 32]);
        let at = work();
        memory.read_exact_at(&mut bytes[..], at).unwrap();
        bytes.iter().filter(|byte| **byte == 0xa5).count()
    }

    #[test]
    fn what_was_worked_out_on_a_stack_is_overwritten() {
        assert_eq!(left_by(works), 32, "without it everything stays");
        assert_eq!(left_by(|| wiping_stack(works)), 0);
    }
}
