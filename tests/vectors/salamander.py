#!/usr/bin/env python3
"""Makes salamander.json: envelopes whose ciphertext plain ChaCha20-Poly1305 opens under two keys.

Poly1305 under a known key is a polynomial: for a message of blocks c1 … cn (each with 2^128 added) it is
((c1 r^n + c2 r^(n-1) + … + cn r) mod 2^130-5) + s mod 2^128. Who knows two keys can demand one tag of both: two blocks
are left free, which gives two linear equations in two unknowns, solved over the field. Where a solution is no 16-byte
block, another value above the tag's 128 bits is tried (RFC 8439; Grubbs, Lu, Ristenpart, CRYPTO 2017; Dodis, Grubbs,
Ristenpart, Woodage, CRYPTO 2018).

The free blocks lie inside the one record of an envelope, so that under the key that the header commits to everything
but the record's signature is as it must be. Needs the package `cryptography` for ChaCha20 alone.
Prints the file; nothing in it is random.
"""
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

P = 2**130 - 5
LABEL = b"amends/env/v1 key|commit"
JOURNAL = bytes([0x4A]) * 32
SALT = bytes(range(24))
SECRETS = [hashlib.sha256(b"salamander, one skin").digest(), hashlib.sha256(b"salamander, the other").digest()]
EPOCH = 3
RECORD = 188  # with its length and its signature 256 bytes: no padding


def hkdf(salt, ikm, info, length):
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    out, block, n = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
        out, n = out + block, n + 1
    return out[:length]


def chacha(key, counter, data):
    nonce = counter.to_bytes(4, "little") + bytes(12)
    return Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor().update(data)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def blocks_of(aad, ct):
    pad = lambda b: b + bytes(-len(b) % 16)
    text = pad(aad) + pad(ct) + len(aad).to_bytes(8, "little") + len(ct).to_bytes(8, "little")
    return [text[at : at + 16] for at in range(0, len(text), 16)]


def poly(r, blocks):
    """Before s is added, modulo 2^130-5."""
    acc = 0
    for block in blocks:
        acc = (acc + int.from_bytes(block, "little") + 2**128) * r % P
    return acc


def one_time(key):
    start = chacha(key, 0, bytes(32))
    r = int.from_bytes(start[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    return r, int.from_bytes(start[16:], "little")


def salamander(committed, other):
    halves = [hkdf(SALT, secret, LABEL, 64) for secret in (committed, other)]
    keys, commit = [half[:32] for half in halves], halves[0][32:]
    header = b"AMND" + bytes([1, 1]) + EPOCH.to_bytes(4, "big") + SALT + commit
    aad = header + JOURNAL
    record = bytes((7 * at) % 251 for at in range(RECORD))
    plain = RECORD.to_bytes(4, "big") + record + bytes(64)
    assert len(plain) == 256
    ct = xor(plain, chacha(keys[0], 1, bytes(256)))

    free = [3, 4]  # blocks of the ciphertext, inside the record
    before = (len(aad) + 15) // 16
    for at in free:
        ct = ct[: 16 * at] + bytes(16) + ct[16 * at + 16 :]
    blocks = blocks_of(aad, ct)
    n = len(blocks)
    # A free block of zeros adds its 2^128 already; x adds x * r^power.
    powers = [n - (before + at) for at in free]
    (r1, s1), (r2, s2) = (one_time(key) for key in keys)
    base1, base2 = poly(r1, blocks), poly(r2, blocks)
    a, b = pow(r1, powers[0], P), pow(r1, powers[1], P)
    c, d = pow(r2, powers[0], P), pow(r2, powers[1], P)
    inverse = pow(a * d - b * c, -1, P)
    tag = 0
    while True:
        tag += 1
        for lift1 in range(4):
            for lift2 in range(4):
                want1 = ((tag - s1) % 2**128 + lift1 * 2**128 - base1) % P
                want2 = ((tag - s2) % 2**128 + lift2 * 2**128 - base2) % P
                x = (d * want1 - b * want2) * inverse % P
                y = (a * want2 - c * want1) * inverse % P
                if x < 2**128 and y < 2**128:
                    for at, value in zip(free, (x, y)):
                        ct = ct[: 16 * at] + value.to_bytes(16, "little") + ct[16 * at + 16 :]
                    blocks = blocks_of(aad, ct)
                    tags = [(poly(r, blocks) + s) % 2**128 for r, s in (one_time(key) for key in keys)]
                    if tags == [tag, tag]:
                        return header + ct + tag.to_bytes(16, "little")


out = [
    {
        "journal id": JOURNAL.hex(),
        "envelope": salamander(SECRETS[i], SECRETS[1 - i]).hex(),
        "opens under": SECRETS[i].hex(),
        "is refused under": SECRETS[1 - i].hex(),
    }
    for i in (0, 1)
]
print(json.dumps({"salamanders": out}, indent=2))
