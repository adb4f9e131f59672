"""The model downloads as a process of their own user, on the private bus, with a manifest of small models."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.services import daemon
from tests.services.daemon import DATA, MODELS_USER, SERVICES, SystemBus, stop

PATIENCE_S = 120.0
"""On a machine that does much else."""

NAME = ("org.sigmavault.Models", "/org/sigmavault/Models", "org.sigmavault.Models1")


def wait_until(what: str, condition: Callable[[], object]) -> None:
    """As everywhere, with more patience."""
    daemon.wait_until(what, condition, PATIENCE_S)


def content(seed: int, size: int) -> bytes:
    return b"GGUF" + random.Random(seed).randbytes(size - 4)  # noqa: S311  # no secret


def write_manifest(file: Path, models: Mapping[str, bytes]) -> None:
    """A manifest of these models, on a hub that does not exist."""
    write_manifest_of(
        file, {model: (len(data), hashlib.sha256(data).hexdigest()) for model, data in models.items()}
    )


def write_manifest_of(file: Path, models: Mapping[str, tuple[int, str]]) -> None:
    """The same by size and sha256."""

    def entry(model: str, size: int, sha256: str) -> dict[str, Any]:
        url = f"https://hub.invalid/owner/{model}/resolve/{'a' * 40}/{model}.gguf"
        return {
            "id": model, "name": model, "purpose": ["chat"], "tier": "tiny", "file": f"{model}.gguf",
            "size": size, "sha256": sha256, "licence": "MIT",
            "source": {"kind": "https", "url": url}, "architecture": "llama", "quantisation": "Q8_0",
            "context": 4096, "chat_template": True, "kv_bytes_per_token": 1,
        }  # fmt: skip

    entries = [entry(model, *told) for model, told in models.items()]
    entries[0]["embedded"] = True
    unknown = entry("unknown-size", 1, "0" * 64)
    del unknown["size"]
    tier = {"name": "tiny", "summary": "any", "memory_mib": 0, "models": {}}
    file.write_text(yaml.safe_dump({"schema": 1, "tiers": [tier], "models": [*entries, unknown]}))


@dataclass
class ModelsDaemon:
    """A daemon that can be killed and started again."""

    bus: SystemBus
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.models, self.state, self.config = (self.folder / name for name in ("models", "state", "config"))
        (self.config / "models.d").mkdir(parents=True)
        for each in (self.models, self.state):
            each.mkdir()
            shutil.chown(each, MODELS_USER, MODELS_USER)
        self.folder.chmod(0o755)
        self.manifest = self.folder / "manifest.yaml"
        self.log = self.folder / "log"

    def mirrors(self, *told: dict[str, Any], **more: Any) -> None:
        text = yaml.safe_dump({"mirrors": list(told), "hub": False, **more})
        (self.config / "models.d/10-test.yaml").write_text(text)

    def start(self) -> None:
        account = pwd.getpwnam(MODELS_USER)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-sP", DATA / "usr/libexec/sigmavault/models"], stderr=log, cwd="/",
                user=account.pw_uid, group=account.pw_gid, extra_groups=[],
                env={
                    "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                    "STATE_DIRECTORY": os.fspath(self.state), "SIGMAVAULT_CONFIG": os.fspath(self.config),
                    "SIGMAVAULT_MODELS": os.fspath(self.models),
                    "SIGMAVAULT_MANIFEST": os.fspath(self.manifest), **self.env,
                },
            )  # fmt: skip
        wait_until("the model downloads on the bus", self._is_there)

    def _is_there(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return NAME[0] in self.bus.run(
            "busctl", f"--address={self.bus.address}", "list", "--no-pager", "--acquired"
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        return stop(self.process)

    def call(self, member: str, *arguments: str, user: str | None = None, check: bool = True) -> str:
        return self.bus.run(
            "busctl", f"--address={self.bus.address}", "--timeout=60", "call", *NAME, member, *arguments,
            user=user, check=check,
        )  # fmt: skip

    def told(self, member: str) -> Any:
        """The JSON that a method returns."""
        said = self.bus.run(
            "busctl", f"--address={self.bus.address}", "--json=short", "call", *NAME, member, user="nobody"
        )
        return json.loads(json.loads(said)["data"][0])

    def row(self, model: str) -> dict[str, Any]:
        return next((each for each in self.told("List") if each["id"] == model), {})

    def wait(self, model: str, state: str) -> dict[str, Any]:
        def is_so() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return bool(self.row(model).get("state") == state)

        wait_until(f"{model} is {state}", is_so)
        return self.row(model)

    def memory_mib(self) -> float:
        """The most memory it has had."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) / 1024
