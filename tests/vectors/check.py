#!/usr/bin/env python3
"""Answers vectors by the documents alone: docs/PROTOCOL.md, docs/formats.md and the README beside this file.

Another language and other libraries than the program's: HKDF, SHA-256 and the formats are Python's own and this file's,
ChaCha20-Poly1305, Ed25519 and Argon2id are OpenSSL's (the package `cryptography`). Exits with 1 where one is answered
otherwise than it says, or where a folder that it answers is empty.
"""
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import unicodedata

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

HERE = pathlib.Path(__file__).parent
ZERO = bytes(12)
MIB = 1 << 20


class Refused(Exception):
    """Its argument is the step."""


def need(holds, step):
    if not holds:
        raise Refused(step)


def given_bytes(given, name):
    return bytes.fromhex(given[name]) + bytes(given.get(name + ", then zeros", 0))


def hkdf(salt, ikm, info, length=32):
    prk = hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()
    out, block, n = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
        out, n = out + block, n + 1
    return out[:length]


def aead(key, ct, aad, step, nonce=ZERO):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ct, aad)
    except InvalidTag:
        raise Refused(step) from None


def u(data):
    return int.from_bytes(data, "big")


def padme(n):
    if n < 2:
        return n
    e = n.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (n + mask) & ~mask


# Ed25519 as verify_strict has it: OpenSSL takes keys and R of small order, so these are looked for here.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def point(data):
    y = int.from_bytes(data, "little") & (2**255 - 1)
    sign = data[31] >> 7
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != x2:
        return None
    return (P - x if x & 1 != sign else x, y % P)


def double(a):
    x, y = a
    t = D * x * x * y * y
    return (2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P)


def small(data):
    a = point(data)
    return a is not None and double(double(double(a))) == (0, 1)


def verify(key, message, signature):
    need(not small(key) and not small(signature[:32]), "signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Refused("signature") from None


def open_sealed(data, magic, middle, label, secret, bound, most):
    """The one form of what is sealed for the pair."""
    header = 6 + middle + 24 + 32
    need(len(data) <= most, "too large")
    need(len(data) >= 4, "too short")
    need(data[:4] == magic, "magic")
    need(len(data) >= 6, "too short")
    need(data[4] == 1, "version")
    need(data[5] == 1, "suite")
    need(len(data) >= header + 256 + 16, "too short")
    salt, commit = data[6 + middle : header - 32], data[header - 32 : header]
    both = hkdf(salt, secret, label, 64)
    need(hmac.compare_digest(both[32:], commit), "commitment")
    return aead(both[:32], data[header:], data[:header] + bound, "aead")


def envelope(given):
    data, journal = given_bytes(given, "envelope"), given_bytes(given, "journal id")
    plain = open_sealed(data, b"AMND", 4, b"amends/env/v1 key|commit", given_bytes(given, "epoch secret"), journal, MIB)
    records, at = [], 0
    while len(plain) - at >= 4 and u(plain[at : at + 4]):
        end = at + 4 + u(plain[at : at + 4]) + 64
        need(end <= len(plain), "record length")
        records.append({"record": plain[at + 4 : end - 64].hex(), "signature": plain[end - 64 : end].hex()})
        at = end
    need(records, "no record")
    n = at + 4 if len(records) > 1 else at
    need(len(plain) == padme(max(256, n)) and not any(plain[at:]), "padding")
    return {"epoch": u(data[6:10]), "records": records}


def bundle_clock(given):
    data, journal = given_bytes(given, "sealed clock"), given_bytes(given, "journal id")
    secret = given_bytes(given, "epoch secret")
    plain = open_sealed(data, b"AMNC", 4, b"amends/bundle/v1 key|commit", secret, journal, MIB)
    log, signature, length = plain[:32], plain[32:96], u(plain[96:100])
    clock, zeros = plain[100 : 100 + length], plain[100 + length :]
    need(len(clock) == length and len(plain) == padme(max(256, 100 + length)) and not any(zeros), "padding")
    verify(log, b"amends/bundle/v1 clock" + journal + log + clock, signature)
    return {"log key": log.hex(), "clock": clock.hex()}


def blob(given):
    data, index, length = given_bytes(given, "sealed chunk"), given["index"], given["length of the blob"]
    left = length - (index << 17)
    need(0 < left and length <= 25 * MIB, "no such chunk")
    size = min(left, 1 << 17)
    need(len(data) == padme(max(256, size)) + 62 + 16, "size")
    bound = given_bytes(given, "journal id") + index.to_bytes(4, "big") + length.to_bytes(8, "big")
    plain = open_sealed(data, b"AMNP", 0, b"amends/blob/v1 key|commit", given_bytes(given, "key"), bound, MIB)
    need(not any(plain[size:]), "padding")
    return {"plain": plain[:size].hex(), "name": hashlib.sha256(data).hexdigest()}


class Fields:
    def __init__(self, data):
        self.rest = data

    def take(self, n):
        need(len(self.rest) >= n, "cut short")
        taken, self.rest = self.rest[:n], self.rest[n:]
        return taken


def record(given):
    data, signature = given_bytes(given, "record"), given_bytes(given, "signature")
    label = b"amends/rec/v1"
    need(data.startswith(label), "label")
    f = Fields(data[len(label) :])
    journal, log, seq = f.take(32), f.take(32), u(f.take(8))
    need(seq, "number 0")
    prev, epoch, kind, heads = f.take(32), u(f.take(4)), f.take(1)[0], u(f.take(2))
    need(heads <= 256, "too many heads")
    seen = []
    for _ in range(heads):
        seen.append({"log key": f.take(32).hex(), "seq": u(f.take(8)), "record hash": f.take(32).hex()})
    length = u(f.take(4))
    need(length <= 256 * 1024, "payload too large")
    payload = f.take(length)
    need(not f.rest, "trailing")
    verify(log, data, signature)
    return {
        "journal id": journal.hex(), "log key": log.hex(), "seq": seq, "prev": prev.hex(), "epoch": epoch,
        "kind": kind, "seen": seen, "payload": payload.hex(),
        "record hash": hashlib.sha256(b"amends/rechash/v1" + data).hexdigest(),
        "actor": hashlib.sha256(b"amends/actor/v1" + log).hexdigest()[:32],
    }  # fmt: skip


def leb128(f, step):
    """Unsigned, in its one spelling, below 2^64."""
    value = shift = 0
    while True:
        byte = f.take(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            need(value < 1 << 64 and (byte or not shift), step)
            return value
        shift += 7


def lv(f, step):
    return f.take(leb128(f, step))


def operations(change):
    """How many a change claims: the runs of its column of actions added up (docs/decisions/0085), and nothing else read."""
    f = Fields(change[8:])
    need(f.take(1) == b"\x01", "chunk")
    f = Fields(lv(f, "chunk"))
    for _ in range(leb128(f, "chunk")):
        f.take(32)
    lv(f, "chunk")
    for _ in ("seq", "start", "time"):
        leb128(f, "chunk")
    lv(f, "chunk")
    for _ in range(leb128(f, "chunk")):
        lv(f, "chunk")
    columns = [(leb128(f, "chunk"), leb128(f, "chunk")) for _ in range(leb128(f, "chunk"))]
    actions = Fields(dict((spec, f.take(length)) for spec, length in columns).get(66, b""))
    total = 0
    while actions.rest:
        # A run of one value, of single ones, or of nulls: how many, as a signed LEB128.
        count = shift = 0
        while True:
            byte = actions.take(1)[0]
            count |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        count -= (byte >> 6) << shift
        run = count > 0
        count = abs(count) or leb128(actions, "chunk")
        total += count
        for _ in range(1 if run else count):
            leb128(actions, "chunk")
    return total


def name(data):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused("malformed") from None
    need(1 <= len(data) <= 40, "malformed")
    kinds = {unicodedata.bidirectional(c) for c in text}
    need(not kinds & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}, "malformed")
    need(all(unicodedata.category(c) not in ("Cc", "Zl", "Zp") for c in text), "malformed")
    return text


def payload(given):
    data = given_bytes(given, "payload")
    need(data, "empty")
    f = Fields(data)
    try:
        if given["of a record of kind"] == "2 membership":
            need(f.take(1) == b"\x01", "unknown operation")
            static, kit, called = [lv(f, "malformed") for _ in range(3)]
            need(not f.rest and len(static) == 32 and len(kit) in (0, 32), "malformed")
            return {"static key": static.hex(), "kit": kit.hex() or None, "name": name(called)}
        items, claimed = [], 0
        while f.rest:
            need(len(items) < 256, "too many items")
            entry, kind, schema, part, change = [lv(f, "malformed") for _ in range(5)]
            need(len(entry) == 16 and len(kind) == len(schema) == 1 and part in (b"\0", b"\1"), "malformed")
            items.append({
                "entry id": entry.hex(), "entry kind": kind[0], "schema": schema[0], "part": part[0],
                "change": change.hex(),
            })  # fmt: skip
            if change[:4] == b"\x85\x6f\x4a\x83":
                claimed += operations(change)
    except Refused as refused:
        raise Refused("malformed" if refused.args[0] == "cut short" else refused.args[0]) from None
    need(claimed <= 100_000, "too many operations")
    return {"items": items}


def bundle(given):
    data = given_bytes(given, "bundle")
    need(data and data[:4] == b"AMNB"[: len(data)], "magic")
    need(len(data) >= 5, "cut short")
    need(data[4] == 1, "version")
    items, at = [], 5
    while True:
        need(len(data) - at >= 5, "cut short")
        kind, size = data[at], u(data[at + 1 : at + 5])
        need(size <= MIB and (kind or not size), "too large")
        body = data[at + 5 : at + 5 + size]
        need(len(body) == size, "cut short")
        at += 5 + size
        if kind == 0:
            need(at == len(data), "trailing")
            return {"items": [*items, {"end": True}]}
        items.append({1: {"sealed clock": body.hex()}, 2: {"envelope": body.hex()}}.get(kind, {"passed over": kind}))


def vault_slots(data):
    need(len(data) <= 65536, "too large")
    need(data[:4] == b"AMNV", "magic")
    need(len(data) > 4, "damaged")
    need(data[4] == 1, "version")
    checked, check = data[:-32], data[-32:]
    need(hashlib.sha256(checked).digest() == check and len(checked) >= 6, "damaged")
    slots, at = [], 6
    for _ in range(checked[5]):
        need(len(checked) - at >= 5, "damaged")
        kind, size = checked[at], u(checked[at + 1 : at + 5])
        body = checked[at + 5 : at + 5 + size]
        need(len(body) == size, "damaged")
        if kind == 1:
            need(size == 124, "damaged")
            m, t, p = (u(body[i : i + 4]) for i in (0, 4, 8))
            need(m >= 65536, "too little memory")
            need(m <= MIB, "too much memory")
            need(t >= 3, "too few passes")
            need(t <= 20, "too many passes")
            need(1 <= p <= 16, "lanes")
        need(kind not in (2, 3) or size == 160, "damaged")
        slots.append((kind, body))
        at += 5 + size
    need(at == len(checked), "damaged")
    return slots


def vault(given):
    slots = vault_slots(given_bytes(given, "file"))
    of = next((name for name in ("kit", "keyring") if name in given), None)
    if of:
        sort = {"kit": 3, "keyring": 2}[of]
        body = next((body for kind, body in slots if kind == sort), None)
        need(body, f"no {of}")
        salt, commit, ct = body[:32], body[32:64], body[64:112]
        both = hkdf(salt, given_bytes(given, of), f"amends/vault/v1 {of} key|commit".encode(), 64)
        aad = b"AMNV\x01" + bytes([sort]) + body[:64]
    else:
        body = next((body for kind, body in slots if kind == 1), None)
        need(body, "no passphrase")
        m, t, p = (u(body[i : i + 4]) for i in (0, 4, 8))
        salt, commit, ct = body[12:44], body[44:76], body[76:]
        typed = unicodedata.normalize("NFC", given["passphrase"]).encode()
        need(1 <= len(typed) <= 4096, "commitment")
        stretched = Argon2id(salt=salt, length=32, iterations=t, lanes=p, memory_cost=m).derive(typed)
        both = hkdf(salt, stretched, b"amends/vault/v1 key|commit", 64)
        aad = b"AMNV\x01\x01" + body[:76]
    need(hmac.compare_digest(both[32:], commit), "commitment")
    key = aead(both[:32], ct, aad, "aead")
    derived = {"journal store": b"journal store", "private store": b"private store", "backup key": b"backup"}
    return {"vault key": key.hex(), **{name: hkdf(b"", key, b"amends/vault/v1 " + of).hex() for name, of in derived.items()}}


def backup(given):
    data = given_bytes(given, "file")
    need(len(data) >= 9 and data[:4] == b"AMNK", "magic")
    need(data[4] == 1, "version")
    size = u(data[5:9])
    start = 9 + size + 64
    need(size <= 65536 and len(data) >= start, "changed")
    salt, commit = data[start - 64 : start - 32], data[start - 32 : start]
    both = hkdf(salt, hkdf(b"", given_bytes(given, "vault key"), b"amends/vault/v1 backup"), b"amends/backup/v1 key|commit", 64)
    need(hmac.compare_digest(both[32:], commit), "changed")
    aad, plain, at = hashlib.sha256(data[:start]).digest(), b"", start
    for i, length in enumerate(given["sealed pieces"]):
        last = i + 1 == len(given["sealed pieces"])
        nonce = bytes(7) + i.to_bytes(4, "big") + bytes([last])
        need(len(data) - at >= 16, "changed")
        plain += aead(both[:32], data[at : at + length], aad, "changed", nonce)
        at += length
    return {"plain": plain.hex()}


READERS = {
    "envelope": envelope, "bundle-clock": bundle_clock, "blob": blob, "record": record, "payload": payload,
    "bundle": bundle, "vault": vault, "backup": backup,
}  # fmt: skip


def main():
    wrong = 0
    for folder, reader in READERS.items():
        files = sorted((HERE / folder).glob("*.json"))
        for file in files:
            vector = json.loads(file.read_text())
            try:
                answer = {"gives": reader(vector["given"])}
            except Refused as refused:
                answer = {"refuses": refused.args[0]}
            if answer != vector["answer"]:
                wrong += 1
                print(f"{folder}/{file.name}:\n  it says {vector['answer']}\n  answered {answer}", file=sys.stderr)
        wrong += not files
        print(f"{folder}: {len(files)} answered")
    made = subprocess.run([sys.executable, HERE / "salamander.py"], capture_output=True, text=True, check=True).stdout
    if made != (HERE / "salamander.json").read_text():
        wrong += 1
        print("salamander.json is another than salamander.py makes", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
