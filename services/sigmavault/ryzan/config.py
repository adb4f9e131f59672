"""Sizes and limits of the model service, and the models it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from sigmavault.core.errors import ConfigError
from sigmavault.core.manifest import Manifest, parse_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sizes and limits.

    Attributes:
        context_tokens: what all requests of one model together may hold.
        sequences: requests that are answered at once.
        batch_tokens: most tokens of one step; a cancelled request is gone after one.
        requests: most requests answered or waiting; more are turned away.
        load_wait_s: how long a request waits for a model that is being loaded.
        load_limit_s: a model that is not loaded by then is given up.
        stall_s: a model process that owes answers and says nothing for so long is killed.
        pauses_s: between restarts of a model process that keeps dying; the last one repeats.
        look_s: how often a missing or refused model file is looked for.
    """

    context_tokens: int = 4096
    sequences: int = 8
    batch_tokens: int = 256
    requests: int = 32
    load_wait_s: float = 120.0
    load_limit_s: float = 600.0
    stall_s: float = 180.0
    pauses_s: tuple[float, ...] = (0.5, 2.0, 10.0, 60.0)
    look_s: float = 5.0


def read_manifest(file: Path) -> Manifest:
    """The models that the product knows.

    Raises:
        ConfigError: the file is not there, no YAML, or wrong.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(file.read_bytes(), Loader=loader)  # noqa: S506  # it is a safe loader
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {error}") from error
    return parse_manifest(data, file.name)
