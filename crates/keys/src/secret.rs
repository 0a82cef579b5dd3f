//! The shape that every 32-byte secret of this crate has.

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
                Self(Box::new(*bytes))
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
