"""The one place that reads environment variables.

| variable | meaning | default |
|---|---|---|
| `SIGMAVAULT_RUNTIME` | folder with the third-party runtime: `python/` and `ggml/` | `/usr/lib/sigmavault` |
| `SIGMAVAULT_MODELS` | folders with model files, `:` between | `/usr/share/sigmavault/models`, `/var/lib/sigmavault/models` |
| `SIGMAVAULT_MANIFEST` | the list of known models | `/usr/share/sigmavault/models-manifest.yaml` |
| `SIGMAVAULT_CONFIG` | folders with configuration files, the weakest first, `:` between | `/usr/lib/sigmavault`, `/etc/sigmavault` |
| `SIGMAVAULT_RELAY` | socket of the relay to other servers | `/run/sigmavault/ryzan-relay.sock` |
| `https_proxy`, `HTTPS_PROXY` | proxy of the model downloads, where no mirror file names one | |
| `SIGMAVAULT_SETUP` | folder for what `sigmavault setup` keeps | `/var/lib/sigmavault/setup` for root |
| `XDG_STATE_HOME` | where a person's lines of `sigmavault chat` are kept | `~/.local/state` |
| `XDG_SESSION_ID` | set by logind: a desktop may ask for the password | |
| `STATE_DIRECTORY`, `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `LISTEN_*` | set by systemd | |
"""  # noqa: E501  # a table

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sigmavault.contract.ryzan1 import RELAY_SOCKET

LIBRARY = Path("/usr/lib/sigmavault")
SHARE = Path("/usr/share/sigmavault")
CONFIG = Path("/etc/sigmavault")
STATE = Path("/var/lib/sigmavault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where the product's files are.

    Attributes:
        runtime: third-party runtime: `python/` (added to the path by who needs it) and `ggml/`.
        models: folders with model files, the first one wins.
        manifest: the list of known models.
        state: folder of this service's own for what it keeps; None: it has none.
        relay: socket of the relay to other servers.
    """

    runtime: Path
    models: tuple[Path, ...]
    manifest: Path
    state: Path | None = None
    relay: Path = RELAY_SOCKET


def paths() -> Paths:
    """The product's paths; the environment may move each of them."""
    models = os.environ.get("SIGMAVAULT_MODELS")
    return Paths(
        runtime=Path(os.environ.get("SIGMAVAULT_RUNTIME", LIBRARY)),
        models=tuple(Path(each) for each in models.split(":"))
        if models
        else (SHARE / "models", STATE / "models"),
        manifest=Path(os.environ.get("SIGMAVAULT_MANIFEST", SHARE / "models-manifest.yaml")),
        state=_state(),
        relay=Path(os.environ.get("SIGMAVAULT_RELAY", RELAY_SOCKET)),
    )


def config_files(name: str) -> tuple[Path, ...]:
    """Where a configuration file may be, the weakest first."""
    told = os.environ.get("SIGMAVAULT_CONFIG")
    folders = [Path(each) for each in told.split(":")] if told else [LIBRARY, CONFIG]
    return tuple(folder / name for folder in folders)


def _state() -> Path | None:
    told = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(told) if told else None


def text(name: str, default: str = "") -> str:
    """One variable of the environment."""
    return os.environ.get(name, default)


def inherited(names: Iterable[str]) -> dict[str, str]:
    """Those of the named variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


def take(names: Iterable[str]) -> dict[str, str]:
    """Like `inherited`, and removes them, so that no child believes they are meant for it."""
    return {name: os.environ.pop(name) for name in list(names) if name in os.environ}
