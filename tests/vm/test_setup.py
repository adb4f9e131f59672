"""A machine sets itself up with the answers that its hypervisor gives it, though its power goes: blank disks
become a pool, a share that a client reaches, and a model that comes over the network and answers.

The power goes twice in each run; `SIGMAVAULT_SETUP_CUTS=12` is the whole proof.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.services.model_server import ModelServer, Request, well
from tests.vm.asking import BUS
from tests.vm.machine.artefacts import collect
from tests.vm.machine.machine import Machine, Options
from tests.vm.machine.qemu import Disk
from tests.vm.machine.timing import retry
from tests.vm.smb import smbclient
from tests.vm.stage import GIB, ROOT, SMB, SSH, Stage, Target, hardware_of, place_of

pytestmark = [pytest.mark.vm, pytest.mark.disk, pytest.mark.slow]

CUTS = int(os.environ.get("SIGMAVAULT_SETUP_CUTS", "2"))
DISKS = tuple(Disk(serial=f"NEW{number}", size_bytes=6 * GIB) for number in (1, 2))
"""Of a pool 2 GiB stay free, whatever models want."""
HOST = "10.0.2.2"
"""What the machine calls the host it runs on (QEMU's user network)."""
MODEL = "smollm2-from-the-network"
EMBEDDED = "smollm2-135m-instruct"
PASSWORD = "correct horse battery"  # noqa: S105  # of a machine that lives for minutes
ANSWERS: dict[str, Any] = {
    "host_name": "attic", "time_zone": "Europe/Vienna",
    "administrator": {"name": "anna", "full_name": "Anna Maier", "password": PASSWORD},
    "pool": {"name": "tank", "layout": "mirror", "disks": ["NEW1", "NEW2"]},
    "shares": [{"name": "Photos", "preset": "media", "everybody": "read"}],
    "models": [MODEL],
}  # fmt: skip
OPERATIONS = Counter({
    "machine.set-hostname": 1, "user.create": 1, "user.make-administrator": 1, "machine.set-time-zone": 1,
    "pool.create": 1, "share.create": 1,
})  # fmt: skip
RATE = 2_000_000
"""Bytes per second of the server until the power has gone for the last time."""


def manifest(content: bytes) -> str:
    """The embedded model, and its file once more under a name that the machine does not have."""
    found = yaml.safe_load((ROOT / "models-manifest.yaml").read_text(encoding="utf-8"))
    known = next(each for each in found["models"] if each["id"] == EMBEDDED)
    del known["draft_for"]
    other = known | {
        "id": MODEL, "name": MODEL, "embedded": False, "file": f"{MODEL}.gguf",
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
        "source": {"kind": "https",
                   "url": f"https://hub.invalid/owner/{MODEL}/resolve/{'a' * 40}/{MODEL}.gguf"},
    }  # fmt: skip
    tiers = [found["tiers"][0] | {"models": {"chat": [EMBEDDED]}}]
    return json.dumps(found | {"tiers": tiers, "models": [known, other]})


def credentials(server: ModelServer) -> dict[str, bytes]:
    """The answers, and two files that systemd-tmpfiles(8) writes before anything reads them."""
    mirror = {
        "mirrors": [{"name": "lan", "kind": "files", "url": f"http://{HOST}:{server.port}", "lan": True}]
    }
    files = {
        "/usr/share/sigmavault/models-manifest.yaml": manifest(server.content),
        "/etc/sigmavault/models.d/lan.yaml": json.dumps({**mirror, "hub": False}),
    }
    lines = ["d /etc/sigmavault/models.d 0755 root root -"]
    for name, text in files.items():
        lines.append(f"f+~ {name} 0644 root root - {base64.b64encode(text.encode()).decode()}")
    return {
        "sigmavault.answers": yaml.safe_dump(ANSWERS).encode(),
        "tmpfiles.extra": "\n".join(lines).encode() + b"\n",
    }


class Offsets:
    """Where each transfer began, and how much went over the wire."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def serve(self, request: Request) -> None:
        self.begun.append(request.offset)
        well(request)


@pytest.fixture(scope="module")
def offsets() -> Offsets:
    return Offsets()


@pytest.fixture(scope="module")
def server(offsets: Offsets) -> Iterator[ModelServer]:
    """Has the model, and hurries when it is told to."""
    content = Path(os.environ["SIGMAVAULT_TEST_MODEL"]).read_bytes()
    with ModelServer(content, always=offsets.serve) as made:
        made.pace = lambda: time.sleep(65_536 / RATE)
        yield made


@pytest.fixture(scope="module")
def vm(stage: Stage, server: ModelServer) -> Iterator[Machine]:
    """A machine that boots for the first time."""
    stage.close()
    hardware = dataclasses.replace(hardware_of(Target.DISK), disks=DISKS)
    options = Options(guest_ports=(SSH, SMB), credentials=credentials(server))
    with Machine("setup", hardware, place_of("setup"), options) as machine:
        machine.start()
        yield machine
        collect(machine)


def steps(vm: Machine) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(vm.succeed("sigmavault", "setup", "--status", "--json"))
    return told


def again(vm: Machine) -> None:
    vm.cut_power()
    vm.start()
    vm.wait_for_ssh(timeout_s=120)


def test_it_goes_on_after_each_power_cut_until_everything_is_there(vm: Machine, server: ModelServer) -> None:
    vm.wait_for_ssh(timeout_s=120)
    vm.wait_until_succeeds("zpool", "list", "tank", timeout_s=60)
    again(vm)
    for _ in range(CUTS - 2):
        time.sleep(secrets.randbelow(20_000) / 1000)
        again(vm)
    half = len(server.content) // 2
    part = "/srv/tank/models"
    vm.wait_until_succeeds("sh", "-c", f'test "$(du -s -B1 {part} | cut -f1)" -gt {half}', timeout_s=60)
    again(vm)
    server.pace = lambda: None
    retry(lambda _: steps(vm)["progress"] == "done", timeout_s=vm.scale.limit(120), what="all steps done")
    assert {each["state"] for each in steps(vm)["steps"]} <= {"done", "there"}


def test_nothing_was_done_twice(vm: Machine, offsets: Offsets) -> None:
    rows = json.loads(vm.succeed("sigmavault", "audit", "list", "--limit", "1000", "--json"))["records"]
    # what the power cut off is told as done by the next start of the daemon, if it is
    ended = (each for each in rows if each["event"] in ("end", "resolved") and each["result"] == "ok")
    done = Counter(each["operation"] for each in ended)
    assert {name: done[name] for name in OPERATIONS} == OPERATIONS
    assert len(json.loads(vm.succeed("sigmavault", "pool", "list", "--json"))["pools"]) == 1
    assert max(offsets.begun) > 0, "the download was begun anew instead of going on"


def test_a_client_reaches_the_share(vm: Machine, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(os.urandom(1_000_000))
    script = "put picture; get picture back"
    done = smbclient(vm, "Photos", script, tmp_path, user="anna", phrase=PASSWORD)
    assert done.code == 0, done.describe()
    assert (tmp_path / "back").read_bytes() == (tmp_path / "picture").read_bytes()


def test_the_model_that_came_answers(vm: Machine, server: ModelServer) -> None:
    stored = vm.succeed("sha256sum", f"/var/lib/sigmavault/models/{MODEL}.gguf", timeout_s=60).split()[0]
    assert stored == hashlib.sha256(server.content).hexdigest()
    said = vm.succeed("busctl", "--json=short", "--timeout=300", "call", *BUS, "Chat", "sa(ss)", MODEL, "1",
                      "user", "Say hello.", timeout_s=60)  # fmt: skip
    assert str(json.loads(said)["data"][0]).strip()
