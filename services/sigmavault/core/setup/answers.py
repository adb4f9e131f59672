"""What a person answers when a machine is set up: one value, whatever asked for it.

Every key may be left out: what it is about then stays as it is. So a second run changes one thing and leaves
the rest alone.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from sigmavault.core.checking import Checked, meaning, refusal
from sigmavault.core.errors import ConfigError
from sigmavault.core.names import MEANINGS, DiskName, NewPoolName, PoolName, UserName
from sigmavault.core.network import (
    HostAddress,
    MachineName,
    Method,
    NameServers,
    PeerAddress,
    PortName,
    TimeZone,
    fault,
)
from sigmavault.core.sharing.share import Comment, NewShareName
from sigmavault.core.storage.presets import Preset
from sigmavault.core.storage.topology import LIMITS, Layout

SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD: Final = 127
LONGEST_FULL_NAME: Final = 60
MODELS_DATASET: Final = "models"
"""The dataset of a pool in which models are kept; no share is called so."""

_ID = r"^[a-z0-9][a-z0-9.-]*$"
_MEANINGS: Final = {**MEANINGS, _ID: "the id of a model: small letters, digits, dots and hyphens"}
_SYSTEM_NAMES: Final = frozenset({
    "own", "root", "none", "guest", "guests", "everybody", "nobody", "daemon", "bin", "sys", "sync", "games",
    "man", "lp", "mail", "news", "proxy", "backup", "list", "irc", "sudo", "adm", "users", "sigmavault",
})  # fmt: skip


def _person(name: str) -> str:
    if name in _SYSTEM_NAMES:
        raise ValueError(f"must not be {name}, which means something else on this machine")
    return name


def _full_name(text: str) -> str:
    # passwd(5): `:` ends a field, `,` a part of this one
    if (
        len(text) > LONGEST_FULL_NAME
        or not text.isprintable()
        or set(text) & set(':,\\"')
        or text != text.strip(" -")
    ):
        raise ValueError(
            f"must be one line of at most {LONGEST_FULL_NAME} characters without colons, commas and quotes,"
            " and no hyphen at its ends"
        )
    return text


def _password(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise ValueError(f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if not text.isprintable():
        raise ValueError("must not have line breaks and control characters")
    return secret


PersonName = Annotated[UserName, AfterValidator(_person)]
"""A person who logs in; no name that the system or a share has a meaning of its own for."""
FullName = Annotated[str, AfterValidator(_full_name)]
Password = Annotated[SecretStr, AfterValidator(_password)]


class Administrator(Checked):
    """Who looks after the machine: logs in at its console, may become root, and has a login to shares."""

    name: PersonName = Field(description="how the person logs in")
    full_name: FullName = Field(default="", description="the person's name, as people write it")
    password: Password | None = Field(
        default=None, description="for the console and for shares; left out where the person is there already"
    )


class Network(Checked):
    """How the machine gets its address."""

    method: Method = Field(default=Method.DHCP, description="the router gives the address, or it is fixed")
    port: PortName | None = Field(default=None, description="which network port a fixed address is for")
    address: HostAddress | None = Field(default=None, description="the fixed address with its prefix")
    gateway: PeerAddress | None = Field(default=None, description="the router")
    name_servers: NameServers = Field(default=(), description="who knows names; the router as a rule")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if wrong := fault(self.method, self.port or "", self.address or "", self.gateway or ""):
            raise ValueError(wrong)
        return self


class NewPool(Checked):
    """A pool out of whole disks."""

    name: NewPoolName = Field(default="tank", description="what it is called")
    layout: Layout = Field(description="how the disks keep each other's data")
    disks: tuple[DiskName, ...] = Field(
        min_length=1, max_length=15, description="the disks, by their names in /dev/disk/by-id or serials"
    )
    overwrite: tuple[DiskName, ...] = Field(
        default=(), description="disks among these whose data may be lost for good"
    )
    confirm: str = Field(
        default="", max_length=32,
        description="where data is lost: the name of the pool once more, which says that this is meant",
    )  # fmt: skip
    no_redundancy: bool = Field(
        default=False, description="it is meant that the first disk that fails takes all data with it"
    )
    uneven_sizes: bool = Field(
        default=False, description="it is meant that the smallest disk of a group counts for all of it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.disks)) != len(self.disks):
            raise ValueError("disks: one of them is there twice")
        if strangers := sorted(set(self.overwrite) - set(self.disks)):
            raise ValueError(f"overwrite: {strangers[0]} is none of the disks")
        limits, count = LIMITS[self.layout], len(self.disks)
        if self.layout is not Layout.STRIPE and not limits.least <= count <= limits.most:
            raise ValueError(f"disks: a {self.layout} has {limits.least} to {limits.most} disks, not {count}")
        if self.layout is Layout.STRIPE and not self.no_redundancy:
            raise ValueError(
                "layout: the first disk that fails would take all data with it; say no_redundancy if this is"
                " meant"
            )
        return self


class SharedFolder(Checked):
    """A folder that people reach over the network, in a dataset of its own."""

    name: NewShareName = Field(description="what people see")
    preset: Literal[Preset.DOCUMENTS, Preset.MEDIA, Preset.BACKUP, Preset.TIME_MACHINE] = Field(
        default=Preset.DOCUMENTS, description="what it is for"
    )
    pool: PoolName | None = Field(default=None, description="where it lies; the new pool when left out")
    write: tuple[PersonName, ...] = Field(
        default=(), max_length=20, description="who may write; the administrator when left out"
    )
    everybody: Literal["nothing", "read", "write"] = Field(
        default="nothing", description="what every other user of the NAS may do"
    )
    size_bytes: int | None = Field(
        default=None, ge=64 * 1024 * 1024, le=2**63 - 1, description="the most it may hold"
    )
    comment: Comment = Field(default="", description="what people see beside its name")

    @property
    def dataset(self) -> str:
        """The last part of its dataset's name."""
        return self.name.lower().replace(" ", "-")


class Answers(Checked):
    """Everything that was answered."""

    version: Literal[1] = Field(default=1, description="version of this format")
    host_name: MachineName | None = Field(default=None, description="what the machine is called")
    administrator: Administrator | None = Field(default=None, description="who looks after the machine")
    network: Network | None = Field(default=None, description="how it gets its address")
    time_zone: TimeZone | None = Field(default=None, description="where it stands")
    pool: NewPool | None = Field(
        default=None, description="a pool out of whole disks; left out: none is made"
    )
    shares: tuple[SharedFolder, ...] = Field(default=(), max_length=50, description="folders to share")
    models: tuple[Annotated[str, Field(pattern=_ID, max_length=80)], ...] = Field(
        default=(), max_length=20, description="models to download, by their ids"
    )
    models_on_system_disk: bool = Field(
        default=False, description="models may fill the system disk where there is no pool"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for at, share in enumerate(self.shares):
            if share.pool is None and self.pool is None:
                raise ValueError(f"shares[{at}].pool: {share.name} has to lie in a pool: name one")
            if not share.write and self.administrator is None and share.everybody != "write":
                raise ValueError(f"shares[{at}].write: nobody could write to {share.name}: name who may")
            if share.dataset == MODELS_DATASET:
                raise ValueError(f"shares[{at}].name: {share.name} is where models are kept")
        if twice := _twice([share.dataset for share in self.shares]):
            raise ValueError(f"shares: two of them would be called {twice}")
        if twice := _twice(self.models):
            raise ValueError(f"models: {twice} is there twice")
        return self

    def public(self) -> dict[str, Any]:
        """They as JSON without the password: for a journal and for a screen."""
        found = self.model_dump(mode="json", exclude_defaults=True, exclude={"administrator": {"password"}})
        return {"version": self.version, **found}


def _twice(names: list[str] | tuple[str, ...]) -> str:
    return next((name for name in names if names.count(name) > 1), "")


def parse_answers(data: object, origin: str) -> Answers:
    """Check all of it.

    Args:
        data: what a YAML or JSON parser returned.
        origin: name of the file, for messages.

    Raises:
        ConfigError: something is wrong; the message names the place and what is allowed, never a secret.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{origin}: must be a mapping of keys to values")
    try:
        # as JSON: there lists and words are what strict tuples and enumerations are made of
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{origin}: holds something that is no text, number, list or mapping") from error
    try:
        return Answers.model_validate_json(text)
    except ValidationError as error:
        raise refusal(error, data, origin, _MEANINGS) from None  # the original quotes what was given


def complaint(kind: type[BaseModel], field: str, value: object) -> str:
    """What is wrong with one answer, as a clause such as `must be …`; empty when it is right.

    Args:
        kind: the part that the field is of, such as `Answers` or `Administrator`.
        field: its name.
        value: what was typed, as JSON has it.
    """
    info = kind.model_fields[field]
    adapter: TypeAdapter[Any] = TypeAdapter(
        Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    )
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return meaning(error.errors(include_url=False, include_input=False)[0], _MEANINGS)
    return ""
