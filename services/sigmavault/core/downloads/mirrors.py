"""Where models may come from: the files `/etc/sigmavault/models.d/*.yaml`, and the manifest's own addresses.

Files are read in the order of their names. Mirrors add up and are asked in that order, before the address of
the manifest; of the other keys the last file that has one holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from sigmavault.core.checking import Checked, refusal
from sigmavault.core.downloads.address import Address, parse_address
from sigmavault.core.errors import ConfigError, SourceRefusedError
from sigmavault.core.manifest import HttpsSource, Model
from sigmavault.core.values import parse_bytes

_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
_URL = r"^https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?(/[A-Za-z0-9_~%+-][A-Za-z0-9._~%+-]*)*/?$"
_PROXY = r"^http://([^@/\s]+@)?(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}/?$"
_ABSOLUTE = r"^/[^\x00-\x1f]*$"
_MEANINGS = {
    _NAME: "lower-case letters, digits and hyphens",
    _URL: "an address that begins with https:// or http://, without user, query and ..",
    _PROXY: "http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT",
    _ABSOLUTE: "an absolute path",
}


class HttpMirror(Checked):
    """A server that has models."""

    name: str = Field(pattern=_NAME, description="what it is called in messages")
    kind: Literal["hugging-face", "files"] = Field(
        description="`hugging-face`: paths as on that hub, OWNER/REPOSITORY/resolve/COMMIT/FILE;"
        " `files`: all files in one folder"
    )
    url: str = Field(pattern=_URL, description="what comes before those paths")
    lan: bool = Field(
        default=False, description="a server of this network: plain HTTP is allowed, the proxy is not asked"
    )
    ca_file: str = Field(
        default="", pattern=rf"^$|{_ABSOLUTE}",
        description="certificates that vouch for it instead of the system's",
    )  # fmt: skip

    @model_validator(mode="after")
    def _is_plain_only_in_the_lan(self) -> Self:
        if self.url.startswith("http://") and not self.lan:
            raise ValueError("url: plain http:// is only for servers of this network: `lan: true`")
        return self

    @property
    def place(self) -> str:
        """Host and port."""
        parts = urlsplit(self.url)
        return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


class FolderMirror(Checked):
    """A folder that has models: a USB disk, a mounted share."""

    name: str = Field(pattern=_NAME, description="what it is called in messages")
    kind: Literal["folder"]
    path: str = Field(pattern=_ABSOLUTE, description="absolute path of the folder with the files")


Mirror = Annotated[HttpMirror | FolderMirror, Field(discriminator="kind")]


class MirrorFile(Checked):
    """One file of `models.d`."""

    mirrors: tuple[Mirror, ...] = Field(default=(), description="asked in this order")
    hub: bool | None = Field(
        default=None,
        description="whether the manifest's own addresses are asked, after all mirrors; default true",
    )  # fmt: skip
    limit: int | None = Field(
        default=None, ge=0, description="most bytes per second, `10M` too; 0: no limit, which is the default"
    )
    pause_while_busy: bool | None = Field(
        default=None, description="whether downloads wait while file serving needs the machine; default false"
    )
    proxy: str | None = Field(
        default=None, pattern=rf"^$|{_PROXY}",
        description="asked for what is not in this network; empty: none; left out: that of the environment."
        " A file with a password: `root:sigmavault-models`, mode 0640",
    )  # fmt: skip

    @field_validator("limit", mode="before")
    @classmethod
    def _sizes_as_people_write_them(cls, value: object) -> object:
        return parse_bytes(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All files together.

    Attributes:
        mirrors: in the order in which they are asked.
        hub: whether the manifest's addresses are asked after them.
        limit: most bytes per second; 0: no limit.
        pause_while_busy: whether file serving goes first.
        proxy: empty: none; None: that of the environment.
    """

    mirrors: tuple[HttpMirror | FolderMirror, ...] = ()
    hub: bool = True
    limit: int = 0
    pause_while_busy: bool = False
    proxy: str | None = None

    @property
    def lan(self) -> frozenset[str]:
        """`host:port` of what may be asked over plain HTTP."""
        return frozenset(each.place for each in self.mirrors if isinstance(each, HttpMirror) and each.lan)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCandidate:
    """A server to ask for one model.

    Attributes:
        name: of the mirror, or the host.
        address: of the file.
        is_local: in this network: no proxy.
        ca_file: certificates; empty: the system's.
    """

    name: str
    address: Address
    is_local: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCandidate:
    """A file to copy.

    Attributes:
        name: of the mirror.
        folder: absolute path.
        file: its name there.
    """

    name: str
    folder: str
    file: str


type Candidate = HttpCandidate | FolderCandidate


def parse_mirror_file(data: object, origin: str) -> MirrorFile:
    """Check one file.

    Args:
        data: what the YAML parser returned; nothing for an empty file.
        origin: name of the file, for messages.

    Raises:
        ConfigError: something is wrong; the message names the place and what is allowed.
    """
    if data is None:
        return MirrorFile()
    if not isinstance(data, dict):
        raise ConfigError(f"{origin}: must be a mapping of keys to values")
    try:
        return MirrorFile.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise refusal(error, data, origin, _MEANINGS) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{origin}: holds something that is no text, number, list or mapping") from error


def merge(files: Iterable[MirrorFile]) -> Sources:
    """The files together, in the order of their names.

    Raises:
        ConfigError: two mirrors have one name.
    """
    mirrors: list[HttpMirror | FolderMirror] = []
    told: dict[str, object] = {}
    for each in files:
        mirrors += each.mirrors
        told |= each.model_dump(include={"hub", "limit", "pause_while_busy", "proxy"}, exclude_none=True)
    names = [each.name for each in mirrors]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"models.d: {', '.join(twice)} is there twice")
    return Sources(mirrors=tuple(mirrors), **told)  # type: ignore[arg-type]  # checked as they came


def candidates(model: Model, sources: Sources) -> tuple[Candidate, ...]:
    """Where to fetch a model from, in the order to try."""
    return tuple(_candidates(model, sources))


def _candidates(model: Model, sources: Sources) -> Iterator[Candidate]:
    for mirror in sources.mirrors:
        if isinstance(mirror, FolderMirror):
            yield FolderCandidate(name=mirror.name, folder=mirror.path, file=model.file)
        elif path := _path(model, mirror):
            address = parse_address(f"{mirror.url.rstrip('/')}/{path}", sources.lan)
            yield HttpCandidate(
                name=mirror.name, address=address, is_local=mirror.lan, ca_file=mirror.ca_file
            )
    if sources.hub and isinstance(model.source, HttpsSource) and model.source.url:
        address = parse_address(model.source.url)
        yield HttpCandidate(name=address.host, address=address)


def _path(model: Model, mirror: HttpMirror) -> str:
    """Of the model's file on a mirror; empty where the mirror cannot have it."""
    if mirror.kind == "files":
        return model.file
    if isinstance(model.source, HttpsSource) and model.source.url and model.source.revision:
        return urlsplit(model.source.url).path.lstrip("/")
    return ""


def require_candidates(model: Model, sources: Sources) -> tuple[Candidate, ...]:
    """As `candidates`, at least one.

    Raises:
        SourceRefusedError: nobody has this model.
    """
    if found := candidates(model, sources):
        return found
    raise SourceRefusedError(
        f"there is no source for {model.id}", "a mirror file in /etc/sigmavault/models.d may name one"
    )
