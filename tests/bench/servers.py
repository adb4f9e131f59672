"""The two servers of the comparison: started, asked in the same words, stopped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench.client import Answer, Connection
from tests.bench.processes import command, family
from tests.bench.prompts import Prompt
from tests.services.daemon import Ryzan, SystemBus, free_port, stop, wait_until

_LOADED_WITHIN_S = 120.0
_MODEL_PROCESS = "sigmavault.ryzan.worker"
_GREEDY = {"temperature": 0, "seed": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model file under test.

    Attributes:
        id: its name in requests and tables.
        file: the GGUF file.
        sha256: of the file.
        chat: whether it has a chat template; otherwise it completes plain text.
    """

    id: str
    file: Path
    sha256: str
    chat: bool


class Server(ABC):
    """A running server."""

    name: str

    def __init__(self, model: Model, port: int) -> None:
        self.model = model
        self.port = port

    @property
    @abstractmethod
    def extra(self) -> Mapping[str, Any]:
        """What this server needs in a request, so that both do the same work."""

    def body(self, prompt: Prompt, tokens: int) -> tuple[str, dict[str, Any]]:
        """Path and body of a request for up to so many tokens."""
        body: dict[str, Any] = {"model": self.model.id, "max_tokens": tokens, **_GREEDY, **self.extra}
        if prompt.key:
            body["prompt_cache_key"] = prompt.key
        if not self.model.chat:
            return "/v1/completions", {**body, "prompt": f"{prompt.system}{prompt.text}"}
        said = [{"role": "user", "content": prompt.text}]
        if prompt.system:
            said.insert(0, {"role": "system", "content": prompt.system})
        return "/v1/chat/completions", {**body, "messages": said}

    def ask(self, prompt: Prompt, tokens: int, connection: Connection | None = None) -> Answer:
        """Ask on a connection of one's own, or on a given one."""
        used = connection or Connection(self.port)
        try:
            return used.ask(*self.body(prompt, tokens))
        finally:
            if connection is None:
                used.close()


class Ours(Server):
    """The model service, as systemd would start it."""

    name = "ryzan"

    def __init__(self, model: Model, service: Ryzan) -> None:
        super().__init__(model, service.port)
        self.service = service

    @property
    def extra(self) -> Mapping[str, Any]:
        """Nothing: what it does by itself is what is measured."""
        return {}

    def threads(self) -> int:
        """How many compute, by its own word."""
        match = re.search(r'"threads" u (\d+)', self.service.status())
        assert match, "the status names no threads"
        return int(match[1])

    def worker(self) -> int:
        """The process that holds the model; the service has others beside it."""
        found = [pid for pid in family(self.service.process.pid) if _MODEL_PROCESS in command(pid)]
        assert len(found) == 1, found
        return found[0]

    def compute_environment(self) -> dict[str, str]:
        """What its model process is told about threads that wait: another loop is to be told the same."""
        told = Path(f"/proc/{self.worker()}/environ").read_text().split("\0")
        variables = (each.partition("=") for each in told)
        return {name: value for name, _, value in variables if name.startswith(("OMP_", "GOMP_", "KMP_"))}


class Peer(Server):
    """llama-server, with everything off that would make it slower here."""

    name = "llama-server"

    def __init__(self, model: Model, port: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(model, port)
        self.process = process

    @property
    def extra(self) -> Mapping[str, Any]:
        """No reuse of an earlier prompt: every prefill is whole."""
        return {"cache_prompt": False}


@contextmanager
def ours(
    model: Model, *, bus: SystemBus, folder: Path, runtime: Path, manifest: Path, env: Mapping[str, str] = {}
) -> Iterator[Ours]:
    """The model service with the model loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    service = Ryzan(
        bus=bus, folder=folder,
        env={"SIGMAVAULT_RUNTIME": os.fspath(runtime), "SIGMAVAULT_MODELS": os.fspath(model.file.parent),
             "SIGMAVAULT_MANIFEST": os.fspath(manifest), **env},
    )  # fmt: skip
    try:
        service.wait_ready()
        wait_until("the model", lambda: _is_well(service.url), timeout_s=_LOADED_WITHIN_S)
        yield Ours(model, service)
    finally:
        service.stop()


@contextmanager
def peer(
    model: Model, program: Path, *, folder: Path, runtime: Path, threads: int, slots: int, context: int
) -> Iterator[Peer]:
    """llama-server with so many slots of so many tokens each."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = [
        _beside_backends(program, folder, runtime), "--model", model.file, "--port", str(port),
        "--threads", str(threads), "--parallel", str(slots), "--ctx-size", str(slots * context),
        # No copies of prompts on the side, no checkpoints: they cost time and are not asked for.
        "--cache-ram", "0", "--ctx-checkpoints", "0", "--no-cache-prompt", "--offline",
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                   "LD_LIBRARY_PATH": os.fspath(runtime / "python/lib")}  # fmt: skip
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, env=environment, stdout=stream, stderr=stream, cwd=folder)
    try:
        wait_until("llama-server", lambda: _is_healthy(port, process, log), timeout_s=_LOADED_WITHIN_S)
        yield Peer(model, port, process)
    finally:
        stop(process)


def _beside_backends(program: Path, folder: Path, runtime: Path) -> Path:
    """A copy of the program in a folder with the runtime's CPU backends: it looks for them there."""
    for backend in (runtime / "ggml").iterdir():
        (folder / backend.name).symlink_to(backend)
    return Path(shutil.copy(program, folder))


def _is_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")[-2000:]
    return _is_well(f"http://127.0.0.1:{port}")


def _is_well(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
