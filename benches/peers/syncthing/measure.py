#!/usr/bin/env python3
"""Syncthing between two network namespaces, as whoever has it from their distribution meets it: its defaults, but that it asks
nobody outside (no global discovery, no relays, no reports) and that its port is open.

    unshare -nm python3 benches/peers/syncthing/measure.py                          as root, or unshare -Urnm
    unshare -nm python3 benches/peers/syncthing/measure.py target/release/amends    and then the same cable with Amends

Measured, each from the moment at which a person has done something until the other one's file is there with every byte:
pairing to the first text (both have entered the other's number and accepted the folder), one line edited in a text of 100 KB,
what that weighs on the cable, and the return after a cable was pulled out for half a minute while both wrote. Of Amends only the
return is measured here: the rest is what `cargo bench --bench devices` measures."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SETUP = """
ip link set lo up
mount -t tmpfs none /run
mkdir -p /run/netns
ip netns add bo
ip link add cable0 type veth peer name cable1 netns bo
ip addr add 10.97.0.1/24 dev cable0
ip link set cable0 up
ip -n bo link set lo up
ip -n bo addr add 10.97.0.2/24 dev cable1
ip -n bo link set cable1 up
"""
KEY = "measured"
PATIENCE = 300


class Device:
    """One device of one person: a home, a folder, a network namespace."""

    def __init__(self, base, name):
        self.name = name
        self.home = os.path.join(base, name)
        self.folder = os.path.join(base, name + "-folder")
        os.makedirs(self.folder)
        self.inside = ["ip", "netns", "exec", "bo"] if name == "bo" else []
        run(["syncthing", "generate", "--home", self.home, "--no-default-folder"])
        said = run(["syncthing", "--home", self.home, "--device-id"])
        self.id = said.strip().splitlines()[-1]

    def start(self):
        command = ["syncthing", "serve", "--home", self.home, "--no-browser", "--no-restart", "--no-default-folder",
                   "--gui-address=127.0.0.1:8384", f"--gui-apikey={KEY}", "--no-upgrade"]
        log = open(self.home + ".log", "w")
        self.process = subprocess.Popen(self.inside + command, stdout=log, stderr=log)
        until(lambda: self.asks("GET", "/rest/system/ping", None, check=False), "it is up")
        self.asks("PATCH", "/rest/config/options", {
            "globalAnnounceEnabled": False, "relaysEnabled": False, "natEnabled": False, "urAccepted": -1,
            "crashReportingEnabled": False})

    def asks(self, method, path, body, check=True):
        command = self.inside + ["curl", "-s", "-f", "-X", method, "-H", f"X-API-Key: {KEY}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run(command + [f"http://127.0.0.1:8384{path}"], capture_output=True, text=True)
        if check and done.returncode:
            raise SystemExit(f"{self.name}: {method} {path}: {done.stderr}{done.stdout}")
        return done.returncode == 0

    def meets(self, other):
        self.asks("POST", "/rest/config/devices", {"deviceID": other.id, "name": other.name})
        self.asks("POST", "/rest/config/folders", {
            "id": "journal", "path": self.folder, "devices": [{"deviceID": self.id}, {"deviceID": other.id}]})

    def file(self, name):
        return os.path.join(self.folder, name)

    def writes(self, name, text):
        # As an editor does: a new file in the place of the old one.
        with open(self.file(".new"), "w") as new:
            new.write(text)
        os.replace(self.file(".new"), self.file(name))

    def has(self, name, text):
        try:
            with open(self.file(name)) as file:
                return file.read() == text
        except FileNotFoundError:
            return False


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def until(holds, what):
    """Waits until something holds; gives how many seconds it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"after {PATIENCE} s not: {what}")
        time.sleep(0.005)
    return time.monotonic() - began


def on_the_cable():
    both = 0
    for way in ("rx_bytes", "tx_bytes"):
        with open(f"/sys/class/net/cable0/statistics/{way}") as file:
            both += int(file.read())
    return both


class Amends:
    """One device of one person with Amends, and what its `up` said."""

    def __init__(self, base, name, program):
        self.name = name
        self.inside = ["ip", "netns", "exec", "bo"] if name == "bo" else []
        passphrase = os.path.join(base, name + "-passphrase")
        with open(os.open(passphrase, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write("correct horse battery staple")
        self.command = self.inside + [
            "env", "AMENDS_HOME=" + os.path.join(base, name + "-amends"), program, "--json", "--passphrase-file", passphrase]
        run(self.command + ["init", "--name", name, "--argon2-memory", "64"])

    def starts(self, *arguments):
        self.process = subprocess.Popen(self.command + list(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self.process

    def up(self):
        self.said = []
        self.starts("up")

        def hears():
            for line in self.process.stdout:
                self.said.append(json.loads(line))
        threading.Thread(target=hears, daemon=True).start()

    def proposes(self, text):
        run(self.command + ["boundary", "propose", text])

    def has(self, text):
        changed = (event["entry"] for event in list(self.said) if event.get("event") == "changed")
        return any(entry["text"] == text for entry in changed)

    def has_met(self):
        return any(event.get("event") == "met" for event in list(self.said))


def measure_amends(base, program):
    print(run([program, "--version"]).strip())
    ana, bo = (Amends(base, name, program) for name in ("ana", "bo"))
    host = ana.starts("pair", "--yes")
    code = next(event for event in map(json.loads, host.stdout) if event.get("event") == "code")
    joiner = bo.starts("pair", "-", "--yes")
    joiner.communicate(code["code"] + "\n", timeout=PATIENCE)
    host.wait(PATIENCE)
    try:
        for device in (ana, bo):
            device.up()
        for device in (ana, bo):
            until(device.has_met, "the two meet")
        came = []
        for n in range(3):
            run(["ip", "link", "set", "cable0", "down"])
            for device in (ana, bo):
                device.proposes(f"by {device.name}, {n}")
            # The length of the cut, not a wait for anything.
            time.sleep(30)
            run(["ip", "link", "set", "cable0", "up"])
            came.append(until(lambda: bo.has(f"by ana, {n}") and ana.has(f"by bo, {n}"), "what both wrote"))
        print("back after half a minute without a cable, on both screens: " + ", ".join(f"{seconds:.3f}" for seconds in came) + " s")
    finally:
        for device in (ana, bo):
            device.process.terminate()
            device.process.wait()


def main():
    subprocess.run(["sh", "-ec", SETUP], check=True)
    # The namespace's own view of its interfaces.
    subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=True)
    with tempfile.TemporaryDirectory(prefix="syncthing-") as base:
        ana, bo = Device(base, "ana"), Device(base, "bo")
        try:
            measure(ana, bo)
        finally:
            for device in (ana, bo):
                if hasattr(device, "process"):
                    device.process.terminate()
                    device.process.wait()
        if len(sys.argv) > 1:
            measure_amends(base, os.path.abspath(sys.argv[1]))


def measure(ana, bo):
    print(run(["syncthing", "--version"]).strip())
    lines = [f"Line {n} of a text that is a hundred thousand bytes long, as a book would be.\n" for n in range(1300)]
    text = "".join(lines)
    ana.writes("text", text)
    for device in (ana, bo):
        device.start()
    ana.meets(bo)
    # From here on Bo does what is left to do: Ana's number entered, her folder accepted.
    began = time.monotonic()
    bo.meets(ana)
    until(lambda: bo.has("text", text), "the first text")
    print(f"paired to first text ({len(text)} bytes): {time.monotonic() - began:.1f} s")
    took, weighed = [], []
    for n in range(8):
        before = on_the_cable()
        began = time.monotonic()
        lines[100 * n + 50] = f"Line {100 * n + 50}, written anew.\n"
        text = "".join(lines)
        ana.writes("text", text)
        until(lambda: bo.has("text", text), "an edit")
        took.append(time.monotonic() - began)
        weighed.append(on_the_cable() - before)
    print(f"one line edited, to the other's file: {min(took):.1f} to {max(took):.1f} s, the median {statistics.median(took):.1f}")
    print(f"on the cable for it: {min(weighed)} to {max(weighed)} bytes, the median {statistics.median(weighed):.0f}")
    came = []
    for n in range(3):
        run(["ip", "link", "set", "cable0", "down"])
        ana.writes(f"ana {n}", f"by Ana, {n}")
        bo.writes(f"bo {n}", f"by Bo, {n}")
        # The length of the cut, not a wait for anything.
        time.sleep(30)
        run(["ip", "link", "set", "cable0", "up"])
        came.append(until(lambda: bo.has(f"ana {n}", f"by Ana, {n}") and ana.has(f"bo {n}", f"by Bo, {n}"), "what both wrote"))
    print("back after half a minute without a cable, to both files: " + ", ".join(f"{seconds:.1f}" for seconds in came) + " s")


if __name__ == "__main__":
    main()
