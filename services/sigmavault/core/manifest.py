"""The models and tiers that the product knows: `models-manifest.yaml`, checked whole.

Takes what a YAML parser returns and gives frozen values, or a `ConfigError` that names the place. The JSON
schema of the file is made from these classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from sigmavault.core.checking import Checked, refusal
from sigmavault.core.errors import ConfigError, UnknownModelError
from sigmavault.core.hardware import Instruction

SCHEMA = 1
MAIN = "main"
PERMISSIVE = frozenset({"Apache-2.0", "MIT"})
"""Licences of what is downloaded unless somebody chooses otherwise."""

_SHA256 = r"^[0-9a-f]{64}$"
_FILE = r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.gguf$"
_ID = r"^[a-z0-9][a-z0-9.-]*$"
_WHEEL = r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.whl$"
_URL = r"^https://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+\.gguf$"
_LICENCE = r"^(LicenseRef-)?[A-Za-z0-9][A-Za-z0-9.+-]*$"
_REVISION = re.compile(r"/resolve/([^/]+)/")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MEANINGS = {
    _SHA256: "64 hexadecimal digits",
    _FILE: "a plain file name that ends in .gguf",
    _ID: "lower-case letters, digits, dots and hyphens",
    _WHEEL: "a file name that ends in .whl",
    _URL: "an https address of a .gguf file, without user, query and ..",
    _LICENCE: "an SPDX identifier or LicenseRef-…",
}

type Sha256 = Annotated[str, Field(pattern=_SHA256)]
type Size = Annotated[int, Field(gt=0)]
type Id = Annotated[str, Field(pattern=_ID)]


class Purpose(StrEnum):
    """What a model is good for."""

    CHAT = "chat"
    CODE = "code"
    DRAFT = "draft"
    EMBEDDING = "embedding"


class Pooling(StrEnum):
    """How an embedding model makes one vector out of those of its tokens."""

    MEAN = "mean"
    CLS = "cls"
    LAST = "last"


class PypiSource(Checked):
    """A model file inside a wheel of the Python package index."""

    kind: Literal["pypi"]
    package: str = Field(description="name of the distribution")
    version: str = Field(description="exact version")
    wheel: str = Field(pattern=_WHEEL, description="file name of the wheel")
    wheel_size: Size = Field(description="of the wheel, in bytes")
    wheel_sha256: Sha256 = Field(description="of the wheel")
    member: str = Field(description="path of the model file inside the wheel")

    @property
    def is_pinned(self) -> bool:
        """Whether the address always names the same bytes."""
        return True


class HttpsSource(Checked):
    """A model file of a model hub."""

    kind: Literal["https"]
    url: str | None = Field(
        default=None, pattern=_URL,
        description="address, with the hub's commit: …/resolve/<40 hexadecimal digits>/<file>. `main` in its"
        " place is a branch: then only size and sha256 pin the content. Left out where it is not known.",
    )  # fmt: skip

    @property
    def revision(self) -> str | None:
        """Commit or branch of the hub's repository; None where the address has none."""
        found = _REVISION.search(self.url or "")
        return found[1] if found else None

    @property
    def is_pinned(self) -> bool:
        """Whether the address always names the same bytes: it holds a commit."""
        return bool(_COMMIT.fullmatch(self.revision or ""))


class SamplingDefaults(Checked):
    """What is used when a request does not say."""

    temperature: float = Field(default=1.0, ge=0, le=2, description="0 is greedy")
    top_p: float = Field(default=1.0, ge=0, le=1, description="share of the probability mass considered")
    top_k: int = Field(default=0, ge=0, description="most tokens considered; 0: all")
    min_p: float = Field(default=0.0, ge=0, le=1, description="least probability, as a share of the best one")


class Embedding(Checked):
    """What an embedding model needs to be used rightly."""

    pooling: Pooling = Field(description="how one vector is made of those of the tokens")
    dimensions: Size = Field(description="length of a vector")
    matryoshka: bool = Field(
        default=False,
        description="its first dimensions stand for the whole: shorter vectors may be asked for",
    )
    query_prefix: str = Field(default="", description="put before a question that searches")
    document_prefix: str = Field(default="", description="put before a text that is to be found")


class Needs(Checked):
    """What a model asks of the machine beyond what its size says."""

    memory_bytes: Size | None = Field(
        default=None, description="resident at 4,096 tokens, where it is not file + KV cache + 0.3 GiB"
    )
    instructions: tuple[Instruction, ...] = Field(
        default=(), description="without these there is no fast kernel for its weights"
    )
    unsupported: str = Field(
        default="", description="why llama.cpp cannot load it; such a model is known, but never offered"
    )


class Model(Checked):
    """One model."""

    id: Id = Field(description="what callers name it")
    name: str = Field(description="what people read")
    purpose: tuple[Purpose, ...] = Field(min_length=1, description="what it is good for")
    tier: Id = Field(description="smallest tier of machines that it is meant for")
    embedded: bool = Field(default=False, description="whether the image carries it")
    file: str = Field(pattern=_FILE, description="name of its GGUF file on this machine")
    size: Size | None = Field(default=None, description="of the file, in bytes; left out where not known")
    sha256: Sha256 | None = Field(default=None, description="of the file; left out where not known")
    source: PypiSource | HttpsSource = Field(discriminator="kind", description="where it comes from")
    licence: str = Field(pattern=_LICENCE, description="SPDX identifier, or LicenseRef- and its name")
    architecture: str = Field(description="of the network, in llama.cpp's words")
    quantisation: str = Field(description="of the weights, in llama.cpp's words")
    context: Size = Field(description="longest context it was trained for, in tokens")
    kv_bytes_per_token: int | None = Field(
        default=None, ge=0,
        description="of the f16 key-value cache; 0 for a state of constant size; left out where not known",
    )  # fmt: skip
    active_bytes: Size | None = Field(
        default=None, description="weights read for one token, where that is not the whole file: experts"
    )
    chat_template: bool = Field(
        description="whether the file carries a chat template; false for models that are not to chat with"
    )
    embedding: Embedding | None = Field(default=None, description="for embedding models, and only for them")
    draft_for: tuple[Id, ...] = Field(
        default=(), description="models with the same vocabulary, whose tokens it may guess"
    )
    needs: Needs = Field(default=Needs(), description="what it asks of the machine")
    sampling: SamplingDefaults = Field(
        default=SamplingDefaults(), description="what its makers recommend; a request may say otherwise"
    )

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys without which it cannot be fetched and verified; none for a complete entry."""
        known = {"size": self.size, "sha256": self.sha256}
        if isinstance(self.source, HttpsSource):
            known["source.url"] = self.source.url
        return tuple(key for key, value in known.items() if value is None)

    @property
    def is_offered(self) -> bool:
        """Whether it may be downloaded: all of it is known, and it can be loaded."""
        return not self.missing and not self.needs.unsupported

    @property
    def why_not_offered(self) -> str:
        """One clause for people; empty for a model that is offered."""
        if self.needs.unsupported:
            return self.needs.unsupported
        return f"not known: {', '.join(self.missing)}" if self.missing else ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.embedding is not None) != (Purpose.EMBEDDING in self.purpose):
            raise _wrong("embedding is there if, and only if, the purpose has embedding")
        if self.draft_for and Purpose.DRAFT not in self.purpose:
            raise _wrong("draft_for is only for models whose purpose has draft")
        if self.embedded and not self.is_offered:
            raise _wrong(f"the embedded model must be complete: {self.why_not_offered}")
        return self


class Defaults(Checked):
    """What a tier proposes, the best first; ids of models."""

    chat: tuple[Id, ...] = ()
    code: tuple[Id, ...] = ()
    draft: tuple[Id, ...] = ()
    embedding: tuple[Id, ...] = ()

    def by_purpose(self) -> Iterator[tuple[Purpose, str]]:
        """Purposes and ids, in order."""
        for purpose in (Purpose.CHAT, Purpose.CODE, Purpose.DRAFT, Purpose.EMBEDDING):
            for model_id in getattr(self, purpose.value):
                yield purpose, model_id


class Tier(Checked):
    """A class of machines, and what runs well on them."""

    name: Id = Field(description="what it is called")
    summary: str = Field(description="which machines these are, for people")
    memory_mib: int = Field(
        ge=0, description="least MemTotal; firmware and graphics keep some, so that 16 GB report 13.5 to 15.6"
    )
    cores: int = Field(default=1, ge=1, description="least physical cores within affinity and quota")
    instructions: tuple[Instruction, ...] = Field(default=(), description="instruction sets it must have")
    bandwidth_gb_s: float | None = Field(
        default=None, gt=0, description="least memory bandwidth, reading, where it matters; 10^9 bytes/s"
    )
    models: Defaults = Field(description="what is proposed")


class Manifest(Checked):
    """All known models in the order of the file, and the tiers from the smallest to the largest."""

    schema_: Literal[1] = Field(alias="schema", description="version of this format")
    tiers: tuple[Tier, ...] = Field(min_length=1, description="from the smallest to the largest")
    models: tuple[Model, ...] = Field(min_length=1, description="all known models")

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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for problem in chain(_doubled(self), _dangling(self), _tier_problems(self)):
            raise _wrong(problem)
        return self


def _wrong(message: str) -> PydanticCustomError:
    # the message is no template: braces in it mean nothing
    return PydanticCustomError("manifest", "{message}", {"message": message})


def _doubled(manifest: Manifest) -> Iterator[str]:
    for what, names in (
        ("models", [model.id for model in manifest.models]),
        ("models", [model.file for model in manifest.models]),
        ("tiers", [tier.name for tier in manifest.tiers]),
    ):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield f"{what}: {', '.join(twice)} is there twice"
    if sum(model.embedded for model in manifest.models) != 1:
        yield "models: exactly one model must be embedded"


def _dangling(manifest: Manifest) -> Iterator[str]:
    ids, tiers = {model.id for model in manifest.models}, [tier.name for tier in manifest.tiers]
    for model in manifest.models:
        if model.tier not in tiers:
            yield f"models: {model.id} is for tier {model.tier}, which is none of {', '.join(tiers)}"
        for other in model.draft_for:
            if other not in ids:
                yield f"models: {model.id} is a draft for {other}, which is not known"


def _tier_problems(manifest: Manifest) -> Iterator[str]:
    first = manifest.tiers[0]
    if first.memory_mib or first.cores > 1 or first.instructions or first.bandwidth_gb_s:
        yield f"tiers: {first.name} is the first and must ask for nothing, so that every machine has a tier"
    sizes = [tier.memory_mib for tier in manifest.tiers]
    if sizes != sorted(set(sizes)):
        yield "tiers: memory_mib must grow from each tier to the next"
    for tier in manifest.tiers:
        for purpose, model_id in tier.models.by_purpose():
            if why := _why_no_default(manifest, tier, purpose, model_id):
                yield f"tiers: {tier.name} proposes {model_id}, {why}"


def _why_no_default(manifest: Manifest, tier: Tier, purpose: Purpose, model_id: str) -> str:
    model = next((each for each in manifest.models if each.id == model_id), None)
    if model is None:
        return "which is not known"
    order = [each.name for each in manifest.tiers]
    if order.index(model.tier) > order.index(tier.name):
        return f"which is for tier {model.tier}"
    if purpose not in model.purpose:
        return f"which is not for {purpose}"
    if not model.is_offered:
        return f"which is not offered ({model.why_not_offered})"
    if model.licence not in PERMISSIVE:
        return f"whose licence is {model.licence}, not one of {', '.join(sorted(PERMISSIVE))}"
    if lacking := set(model.needs.instructions) - set(tier.instructions):
        return f"which needs {', '.join(sorted(lacking))}"
    return ""


def parse_manifest(data: object, origin: str) -> Manifest:
    """Check the whole manifest.

    Args:
        data: what the YAML parser returned.
        origin: name of the file, for messages.

    Raises:
        ConfigError: something is wrong; the message names the place and what is allowed.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{origin}: must be a mapping of keys to values")
    if (schema := data.get("schema")) != SCHEMA:
        raise ConfigError(f"{origin}.schema: is {schema}, this program reads {SCHEMA}")
    try:
        # as JSON: there lists and words are what strict tuples and enumerations are made of
        return Manifest.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise refusal(error, data, origin, _MEANINGS) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{origin}: holds something that is no text, number, list or mapping: {error}"
        ) from error


def json_schema() -> str:
    """The JSON schema of the file, for editors and other programs."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
