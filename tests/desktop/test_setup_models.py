"""Models from the assistant: the real downloads, from a server next to them, into a dataset and to a disk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.desktop.conftest import APPLICATION, simulated_host
from tests.desktop.seat import Seat
from tests.desktop.session import Desktop, end, has_owner
from tests.desktop.test_setup_care import go_to
from tests.services.model_server import ModelServer
from tests.services.models_daemon import content, write_manifest_of

ASSISTANT = "/usr/libexec/sigmavault/setup-assistant"
DAEMON = "/usr/libexec/sigmavault/models"
BUS_NAME = "org.sigmavault.Models"
FILE = content(3, 12_000_000)
WITH_A_POOL = """\
name: pool
about: a disk with one pool
disks:
  - {{name: ata-DISK_1, serial: "1", model: DISK, size_bytes: 4000787030016}}
pools:
  - name: tank
    data: [{{kind: disk, disks: [ata-DISK_1]}}]
    datasets:
      - {{name: tank/models, properties: {{mountpoint: "{place}", "org.sigmavault:preset": models}}}}
"""
WITHOUT_DISKS = """\
name: bare
about: a machine without disks for a pool
disks:
  - {name: nvme-SYSTEM, serial: "1", model: SYSTEM, size_bytes: 500107862016, transport: nvme,
     partitions: [{size_bytes: 499570000000, filesystem: ext4, label: root, mounted: /}]}
"""


@dataclass
class Downloads:
    """The model downloads with a manifest of their own; `env` for whoever shall see the same models."""

    folder: Path
    desktop: Desktop
    server: ModelServer
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("models", "state", "config/models.d", "place"):
            (self.folder / name).mkdir(parents=True)
        mirrors = [{"name": "lan", "kind": "files", "url": self.server.url, "lan": True}]
        (self.folder / "config/models.d/10-test.yaml").write_text(
            yaml.safe_dump({"mirrors": mirrors, "hub": False})
        )
        sha256, other = hashlib.sha256(FILE).hexdigest(), hashlib.sha256(b"other").hexdigest()
        write_manifest_of(
            self.folder / "manifest.yaml",
            {"embedded": (len(FILE), sha256), "right": (len(FILE), sha256), "wrong": (len(FILE), other)},
        )
        self.env = {
            "SIGMAVAULT_MANIFEST": f"{self.folder}/manifest.yaml",
            "SIGMAVAULT_MODELS": f"{self.folder}/models", "SIGMAVAULT_CONFIG": f"{self.folder}/config",
            "STATE_DIRECTORY": f"{self.folder}/state",
        }  # fmt: skip

    @property
    def activation(self) -> str:
        """What the bus starts them by: idle they end, and come again when somebody asks."""
        words = ["/usr/bin/env", *(f"{key}={value}" for key, value in self.env.items()), DAEMON]
        return f"[D-BUS Service]\nName={BUS_NAME}\nExec={' '.join(words)}\n"

    def machine(self, text: str) -> Path:
        """A description of a machine, with the place of its pool."""
        file = self.folder / "machine.yaml"
        file.write_text(text.format(place=self.folder / "place") if "{place}" in text else text)
        return file


@pytest.fixture
def downloads(desktop: Desktop, tmp_path: Path) -> Iterator[Downloads]:
    """The bus starts the daemon; its server takes about four seconds for a model."""
    with ModelServer(FILE, pace=lambda: time.sleep(0.02)) as server:
        made = Downloads(tmp_path, desktop, server)
        entry = desktop.folder / "system-services/org.sigmavault.Models.service"
        entry.write_text(made.activation)
        yield made
        entry.unlink()
        if has_owner(desktop.system, BUS_NAME):
            end(desktop.system, BUS_NAME)


@pytest.fixture
def assistant(desktop: Desktop, journal: Path, downloads: Downloads) -> Iterator[Callable[[], Seat]]:
    """Starts the assistant so that it knows the same models."""
    started = []

    def start() -> Seat:
        started.append(desktop.run("assistant", [ASSISTANT], downloads.env))
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        return seat

    yield start
    for process in started:
        process.kill()
        process.wait()
        desktop.forget(process)


def on_to(seat: Seat, page: str, button: str = "Next") -> None:
    seat.click(button)
    seat.find(page)


def test_what_came_is_told_apart_from_what_did_not_and_why(
    desktop: Desktop, downloads: Downloads, assistant: Callable[[], Seat], pictures: Path
) -> None:
    with simulated_host(desktop, downloads.machine(WITH_A_POOL)):
        seat = assistant()
        go_to(seat, "Language Models")
        seat.click("right")
        seat.click("wrong")
        seat.screenshot(pictures / "setup-models-1.png")
        on_to(seat, "Summary")
        on_to(seat, "Setting Up", "Set Up")
        seat.find_part("/s, ")  # how far it is, how fast, and how long it takes yet
        seat.screenshot(pictures / "setup-models-2.png")
        seat.find("Not Everything Was Done", timeout_s=120)
        seat.find("Download the model right")
        seat.find_part("sha256")
        seat.screenshot(pictures / "setup-models-3.png")
    place = downloads.folder / "place"
    assert [each.name for each in place.glob("*.gguf")] == ["right.gguf"]
    assert (place / "right.gguf").read_bytes() == FILE
    assert not list((downloads.folder / "models").glob("wrong*")), "nothing that is wrong can be loaded"


def test_without_a_pool_they_fill_the_system_disk_only_where_somebody_agrees(
    desktop: Desktop, downloads: Downloads, assistant: Callable[[], Seat], pictures: Path
) -> None:
    with simulated_host(desktop, downloads.machine(WITHOUT_DISKS)):
        seat = assistant()
        go_to(seat, "Language Models")
        seat.click("right")
        seat.find("Models need a storage pool, or the system disk.")
        seat.screenshot(pictures / "setup-models-4.png")
        assert not seat.is_usable("Next")
        seat.click("Keep models on the system disk")
        on_to(seat, "Summary")
        on_to(seat, "Setting Up", "Set Up")
        seat.find("This SigmaVault Is Set Up", timeout_s=120)
    assert (downloads.folder / "models/right.gguf").read_bytes() == FILE
