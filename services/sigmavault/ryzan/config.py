"""Sizes, limits and choices of the model service, and the models it knows.

`/usr/lib/sigmavault/ryzan.toml` says what holds unless `/etc/sigmavault/ryzan.toml` says otherwise, key by
key; lists are taken whole. Every value is checked when the service starts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sigmavault.core.errors import ConfigError
from sigmavault.core.manifest import Manifest, parse_manifest
from sigmavault.core.routing import Task
from sigmavault.core.values import GIB, MIB
from sigmavault.system import env
from sigmavault.system.yaml_file import read_yaml

FILE = "ryzan.toml"

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
_MODEL_ID = r"^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$"


def _absolute(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError("must be an absolute path")
    return text


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment or parts.port == 0:
        raise ValueError("must have neither user, query nor fragment")
    return text.rstrip("/")


AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Url = Annotated[str, AfterValidator(_http_url)]
ModelId = Annotated[str, Field(pattern=_MODEL_ID)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Models(_Section):
    """Which models are kept."""

    default: str = Field(
        default="",
        description="Id of the model that answers requests without a name; empty: the image's own.",
    )
    pin_default: bool = Field(
        default=True, description="Whether the default model is loaded with the service and stays."
    )
    pinned: tuple[ModelId, ...] = Field(
        default=(), description="Models that are loaded with the service and stay."
    )
    keep_alive_s: float = Field(
        default=900.0,
        ge=1,
        le=30 * 86400,
        description="A model nobody asked for so long is unloaded, unless pinned.",
    )


class Memory(_Section):
    """How much memory models may take; see `core.residency`."""

    available_percent: int = Field(
        default=90, ge=10, le=100, description="Share of the available memory that models may take."
    )
    budget_bytes: int = Field(
        default=0, ge=0, description="Most memory of all models together; 0: no limit of its own."
    )
    reserve_bytes: int = Field(
        default=256 * MIB,
        ge=0,
        description="Memory that is left alone beyond the share that models may take.",
    )


class Limits(_Section):
    """Sizes of a model's process, and patience with it."""

    context_tokens: int = Field(
        default=8192, ge=512, le=1 << 20,
        description="What all requests of one model together may hold, unless the model was made for less"
        " or memory is short.",
    )  # fmt: skip
    sequences: int = Field(
        default=8, ge=1, le=64, description="Requests of one model that are answered at once."
    )
    batch_tokens: int = Field(
        default=512,
        ge=32,
        le=4096,
        description="Most tokens of one step; a cancelled request is gone after one.",
    )
    requests: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="Most requests of one model answered or waiting; more are turned away.",
    )
    load_wait_s: Seconds = Field(
        default=120.0, description="How long a request waits for a model being loaded."
    )
    load_limit_s: Seconds = Field(
        default=600.0, description="A model that is not loaded by then is given up."
    )
    stall_s: Seconds = Field(
        default=180.0, description="A model process that owes answers and says nothing for so long is killed."
    )
    pauses_s: tuple[Seconds, ...] = Field(
        default=(0.5, 2.0, 10.0, 60.0), min_length=1,
        description="Between restarts of a model process that keeps dying; the last one repeats.",
    )  # fmt: skip
    look_s: Seconds = Field(
        default=5.0, description="How often the missing file of a pinned model is looked for."
    )


class Reuse(_Section):
    """What is kept to spare work."""

    ram_bytes: int = Field(
        default=256 * MIB,
        ge=0,
        description="Memory of each model's process for the states of prompts; 0: none.",
    )
    disk_bytes: int = Field(
        default=1 * GIB, ge=0, description="Disk space for the states of named prompts; 0: none."
    )
    answers: bool = Field(default=True, description="Whether answers to frequent questions are kept.")
    answers_bytes: int = Field(default=64 * MIB, ge=MIB, description="Disk space for kept answers.")
    answers_keep_s: float = Field(
        default=7 * 86400.0, ge=60, le=366 * 86400, description="For how long an answer is kept."
    )


class Speculation(_Section):
    """Whether answers are guessed ahead, and by what."""

    mode: Literal["off", "auto"] = Field(
        default="off",
        description="`auto` measures for each model, once, while it is idle, whether guessing makes it faster"
        " on this machine, and guesses only then.",
    )
    draft: dict[ModelId, str] = Field(
        default={},
        description="Which model guesses for which, by their ids; one that is not here gets what"
        " `draft_for` in the manifest says, one with an empty text gets none.",
    )


class Http(_Section):
    """The HTTP interface."""

    api_keys_file: AbsolutePath = Field(
        default="",
        description="File with one API key per line, one of which is then required; empty: none is.",
    )


class Rule(_Section):
    """One row of the table that `auto` is decided by."""

    task: Task = Field(description="The kind of request.")
    models: tuple[str, ...] = Field(
        min_length=1,
        description="Who answers it: ids of models, `purpose:NAME` or `default`; the first one available.",
    )  # fmt: skip


class Routing(_Section):
    """Who answers requests for the model `auto`."""

    long_context_tokens: int = Field(
        default=3000, ge=256, description="Prompts estimated longer than this are of the kind `long-context`."
    )
    rule: tuple[Rule, ...] = Field(
        default=(), description="The rules, in order; what none matches gets the default."
    )


class BackendModel(_Section):
    """One model of another server."""

    id: ModelId = Field(description="What callers here name it.")
    name: str = Field(default="", max_length=256, description="What the server names it; empty: the same.")
    purpose: tuple[Literal["chat", "code", "embedding"], ...] = Field(
        default=("chat",), min_length=1, description="What it is good for."
    )
    context: int = Field(default=32768, ge=256, description="Longest prompt plus answer, in tokens.")
    fallback: str = Field(
        default="",
        description="Local model that answers while the server is gone; empty: the one with the same id.",
    )


class Backend(_Section):
    """Another server with OpenAI's API, reached through the relay."""

    name: str = Field(pattern=_NAME, description="What it is called here.")
    url: Url = Field(
        description="Where its API is: what comes before `/chat/completions`, mostly with `/v1`."
    )
    api_key_file: AbsolutePath = Field(
        default="",
        description="File with its API key, mode 0600, owned by `sigmavault-ryzan-relay`; empty: none.",
    )
    ca_file: AbsolutePath = Field(
        default="", description="Certificates that vouch for it; empty: those of the system."
    )
    connect_s: Seconds = Field(default=5.0, description="Patience with the connection.")
    first_byte_s: Seconds = Field(default=120.0, description="Patience until an answer begins.")
    stall_s: Seconds = Field(default=60.0, description="Patience between two parts of an answer.")
    retry_s: Seconds = Field(default=30.0, description="How long it is left alone after it failed.")
    model: tuple[BackendModel, ...] = Field(min_length=1, description="Its models.")

    @model_validator(mode="after")
    def _keeps_its_key(self) -> Self:
        parts = urlsplit(self.url)
        if self.api_key_file and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("api_key_file: over http:// everybody on the way could read the key")
        return self


class Settings(_Section):
    """The whole configuration."""

    models: Models = Models()
    memory: Memory = Memory()
    limits: Limits = Limits()
    reuse: Reuse = Reuse()
    speculation: Speculation = Speculation()
    http: Http = Http()
    routing: Routing = Routing()
    backend: tuple[Backend, ...] = ()


def read_settings(files: Sequence[Path] | None = None) -> Settings:
    """The configuration of this machine.

    Args:
        files: the weakest first, those that are missing count as empty; None: where the product has them.

    Raises:
        ConfigError: a file is no TOML, or has an unknown key or a value that cannot be.
    """
    layers = []
    for file in env.config_files(FILE) if files is None else files:
        try:
            layers.append((str(file), tomllib.loads(file.read_text("utf-8"))))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: {error}") from error
    return parse_settings(layers)


def parse_settings(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> Settings:
    """The configuration out of parsed TOML documents.

    Args:
        layers: name of the file (for messages) and its content, the weakest first.

    Raises:
        ConfigError: an unknown key or a value that cannot be; the message names file, key and fault.
    """
    merged: dict[str, Any] = {}
    for name, document in layers:
        _validate(document, name)  # alone: so that a fault is told with the file it is in
        merged = _merge(merged, document)
    settings = _validate(merged, " and ".join(name for name, _ in layers))
    _check_names(settings, layers[-1][0] if layers else FILE)
    return settings


def _merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both and isinstance(old, Mapping) else value
    return merged


def _validate(document: Mapping[str, Any], name: str) -> Settings:
    try:
        # by way of JSON, whose strict rules are TOML's: a list is a list, 1 is no text, true is no number
        return Settings.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ConfigError(f"{name}: {_spell(first)}") from error


def _spell(fault: Mapping[str, Any]) -> str:
    place = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(each) for each in fault["loc"]))
    if fault["type"] == "extra_forbidden":
        *parents, _ = fault["loc"]
        return f"unknown key {place}; allowed: {', '.join(_keys(parents))}"
    return f"{place}: {fault['msg'].removeprefix('Value error, ').lower()}"


def _keys(place: Sequence[str | int]) -> list[str]:
    """The keys of the section at a place such as ("backend", 0, "model", 1)."""
    sections: dict[str, type[BaseModel]] = {
        "models": Models, "memory": Memory, "limits": Limits, "reuse": Reuse, "http": Http,
        "speculation": Speculation,
        "routing": Routing, "routing.rule": Rule, "backend": Backend, "backend.model": BackendModel,
    }  # fmt: skip
    name = ".".join(each for each in place if isinstance(each, str))
    return sorted(sections.get(name, Settings).model_fields)


def _check_names(settings: Settings, name: str) -> None:
    names = [each.name for each in settings.backend]
    ids = [model.id for each in settings.backend for model in each.model]
    for kind, found in (("backend", names), ("backend.model", ids)):
        if twice := sorted({each for each in found if found.count(each) > 1}):
            raise ConfigError(f"{name}: {kind}: {twice[0]} is there twice")
    if "local" in names or "auto" in ids:
        raise ConfigError(f"{name}: backend: `local` and `auto` mean something else already")


def read_manifest(file: Path) -> Manifest:
    """The models that the product knows.

    Raises:
        ConfigError: the file is not there, no YAML, or wrong.
    """
    return parse_manifest(read_yaml(file), file.name)
