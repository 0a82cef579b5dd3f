#!/bin/sh
# RUSTC_WRAPPER for the fuzzer (docs/testing.md): compiles what is not ours to search as it is compiled for the program, so that
# the fuzzer counts no edges in ciphers, in SQLite or in the network's own code, which are half of the time of an input and tell
# it nothing of ours. Automerge is searched: the wall stands before it.
watched=yes
previous=
for argument; do
  case "$previous $argument" in
    "--crate-name curve25519_dalek" | "--crate-name ed25519_dalek" | "--crate-name x25519_dalek" | "--crate-name fiat_crypto" | \
    "--crate-name ed25519" | "--crate-name signature" | "--crate-name sha2" | "--crate-name digest" | "--crate-name hmac" | \
    "--crate-name hkdf" | "--crate-name blake2" | "--crate-name argon2" | "--crate-name scrypt" | "--crate-name pbkdf2" | \
    "--crate-name chacha20" | "--crate-name poly1305" | "--crate-name chacha20poly1305" | "--crate-name aead" | \
    "--crate-name universal_hash" | "--crate-name block_buffer" | "--crate-name cipher" | "--crate-name hybrid_array" | \
    "--crate-name subtle" | "--crate-name zeroize" | "--crate-name rand_chacha" | "--crate-name rand_core" | \
    "--crate-name rusqlite" | "--crate-name tokio" | "--crate-name libp2p"* | "--crate-name yamux" | "--crate-name peak_alloc")
      watched=no ;;
  esac
  previous=$argument
done
[ "$watched" = yes ] && exec "$@"
program=$1
shift
for argument; do
  shift
  case "$argument" in
    -Cpasses=sancov-module | -Cdebug-assertions) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$program" "$@" -Coverflow-checks=off
