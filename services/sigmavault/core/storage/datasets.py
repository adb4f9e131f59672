"""Datasets as ZFS tells them: filesystems and volumes, out of `zfs list -j` and `zfs get -j`. Pure.

Formats: OpenZFS 2.3, zfs-list(8) `-j -p`; names of properties: zfsprops(7). Numbers come as text: with
`--json-int` ZFS 2.3.9 tells every GUID from 2^63 on, half of them all, as 9223372036854775807.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic_core import from_json

from sigmavault.core.errors import OperationError

OURS: Final = "org.sigmavault"
"""Our user properties are `org.sigmavault:NAME` (zfsprops(7), User Properties)."""
PRESET: Final = f"{OURS}:preset"
SYSTEM: Final = f"{OURS}:system"
"""`on`: the machine itself lives on it."""
KEY_STORED: Final = f"{OURS}:key-stored"
"""When a person had the key of an encryption root out of the machine: ISO 8601."""
TRASH: Final = f"{OURS}:trash"
"""`container`: what lies below it was thrown away."""
TRASH_ORIGIN: Final = f"{OURS}:trash-origin"
TRASH_SINCE: Final = f"{OURS}:trash-since"
TRASH_DAYS: Final = f"{OURS}:trash-days"
TRASH_CANMOUNT: Final = f"{OURS}:trash-canmount"

LISTED: Final = (
    "guid", "used", "available", "referenced", "quota", "mountpoint", "mounted", "readonly",
    "encryption", "encryptionroot", "keystatus", "origin", PRESET, TRASH,
)  # fmt: skip
"""What is asked of every dataset for a list: no more, because a machine may have thousands of them."""
COLUMNS: Final = (
    *LISTED, "canmount", "keyformat", "keylocation", SYSTEM, KEY_STORED,
    TRASH_ORIGIN, TRASH_SINCE, TRASH_DAYS, TRASH_CANMOUNT,
)  # fmt: skip
"""What is asked for a plan."""


class DatasetType(StrEnum):
    """What a dataset is."""

    FILESYSTEM = "filesystem"
    VOLUME = "volume"


class KeyStatus(StrEnum):
    """Whether the key of an encrypted dataset is loaded."""

    NONE = "none"
    """It is not encrypted."""
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"


class Source(StrEnum):
    """Where the value of a property comes from."""

    NONE = "none"
    """It cannot be set: ZFS counts or decides it."""
    DEFAULT = "default"
    LOCAL = "local"
    INHERITED = "inherited"
    TEMPORARY = "temporary"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of a dataset.

    Attributes:
        value: as `zfs get -p` has it: numbers exact.
        source: where it comes from.
        inherited_from: the dataset that it is inherited from; empty otherwise.
    """

    value: str | int
    source: Source
    inherited_from: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it was set on this very dataset."""
        return self.source in {Source.LOCAL, Source.RECEIVED}


class Properties(Mapping[str, Property]):
    """The properties of one object; of thousands of datasets, each is made when it is asked for."""

    def __init__(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Property:
        found = self._found[name]
        try:
            kind = Source(found["source"]["type"].lower())
            above = found["source"]["data"] if kind is Source.INHERITED else ""
            return Property(value=found["value"], source=kind, inherited_from=above)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OperationError(f"what ZFS answers cannot be read: {name}: {error!r}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def plain(self, name: str) -> str | int:
        """A value without its source; `-`, as ZFS writes it, when it is not set."""
        found = self._found.get(name)
        value: str | int = "-" if found is None else found["value"]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A filesystem or a volume.

    Attributes:
        name: with its pool.
        guid: the identity that outlives names, as decimal text.
        type: filesystem or volume.
        used_bytes: with its snapshots and children.
        available_bytes: what can still be written; None when ZFS does not say.
        referenced_bytes: its own data alone.
        quota_bytes: None for no limit (volumes have none).
        mountpoint: where it is or would be mounted; empty for nowhere, `legacy` when fstab(5) decides.
        mounted: whether it is mounted now.
        can_mount: `on`, `off` or `noauto`; empty for volumes.
        readonly: whether nothing can be written.
        encryption: `off`, or the cipher.
        encryption_root: the dataset that has the key; empty when it is not encrypted.
        key_status: whether the key is loaded.
        key_format: `passphrase`, `hex` or `raw`; `none` when it is not encrypted.
        key_location: `prompt` or a URI, on the encryption root; `none` elsewhere.
        origin: the snapshot that it is a clone of; empty for none.
        properties: all that was asked for, by name.
    """

    name: str
    guid: str
    type: DatasetType
    used_bytes: int
    available_bytes: int | None
    referenced_bytes: int
    quota_bytes: int | None
    mountpoint: str
    mounted: bool
    can_mount: str
    readonly: bool
    encryption: str
    encryption_root: str
    key_status: KeyStatus
    key_format: str
    key_location: str
    origin: str
    properties: Properties = field(repr=False)

    @property
    def pool(self) -> str:
        """The pool that it lies in."""
        return self.name.partition("/")[0]

    @property
    def parent(self) -> str:
        """The dataset above it; empty for the root of a pool."""
        return self.name.rpartition("/")[0]

    @property
    def is_encryption_root(self) -> bool:
        """Whether it has the key, and not one above it."""
        return bool(self.encryption_root) and self.encryption_root == self.name

    @property
    def is_trash(self) -> bool:
        """Whether it was thrown away, or is what holds such datasets."""
        return self.text(TRASH) == "container"

    def text(self, name: str) -> str:
        """A property as text; empty when it is not set."""
        value = self.properties.plain(name)
        return "" if value == "-" else str(value)

    def own(self, name: str) -> str:
        """A property as text when it was set on this very dataset; user properties are inherited."""
        found = self.properties.get(name)
        return self.text(name) if found is not None and found.is_own else ""

    def is_below(self, other: str) -> bool:
        """Whether it is that dataset, or lies below it."""
        return self.name == other or self.name.startswith(f"{other}/")


def objects(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The objects of a `zfs … -j` output, by name.

    Raises:
        OperationError: it is not what zfs-list(8) says it would be.
    """
    try:
        found = from_json(text or "{}").get("datasets", {})
    except (ValueError, AttributeError) as error:
        raise OperationError(f"what ZFS answers cannot be read: {error}") from error
    if not isinstance(found, Mapping) or not all(isinstance(each, Mapping) for each in found.values()):
        raise OperationError("what ZFS answers cannot be read: its datasets are no table")
    return found


def parse_datasets(text: str) -> tuple[Dataset, ...]:
    """Filesystems and volumes of a `zfs list -j` or `zfs get -j`, by name.

    Raises:
        OperationError: the output cannot be read.
    """
    types = tuple(each.upper() for each in DatasetType)
    found = [each for each in objects(text).values() if each.get("type") in types]
    try:
        return tuple(sorted((_dataset(each) for each in found), key=lambda each: each.name))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OperationError(f"what ZFS answers cannot be read: {error!r}") from error


def number(properties: Properties, name: str) -> int | None:
    """A count; None where ZFS says `-` or `none`."""
    value = properties.plain(name)
    return None if value in {"-", "none", ""} else int(value)


def _dataset(found: Mapping[str, Any]) -> Dataset:
    properties = Properties(found["properties"])
    values = {name: each["value"] for name, each in found["properties"].items()}

    def text(name: str) -> str:
        value = values.get(name, "-")
        return "" if value == "-" else str(value)

    mountpoint = text("mountpoint")
    return Dataset(
        name=found["name"], guid=str(int(values["guid"])), type=DatasetType(found["type"].lower()),
        used_bytes=int(values["used"]), available_bytes=number(properties, "available"),
        referenced_bytes=int(values["referenced"]), quota_bytes=number(properties, "quota") or None,
        mountpoint="" if mountpoint == "none" else mountpoint, mounted=text("mounted") == "yes",
        can_mount=text("canmount"), readonly=text("readonly") == "on", encryption=text("encryption"),
        encryption_root=text("encryptionroot"), key_status=KeyStatus(text("keystatus") or "none"),
        key_format=text("keyformat"), key_location=text("keylocation"), origin=text("origin"),
        properties=properties,
    )  # fmt: skip


def by_name(datasets: Iterable[Dataset]) -> Mapping[str, Dataset]:
    """The datasets by their names."""
    return {each.name: each for each in datasets}


def below(datasets: Iterable[Dataset], name: str) -> tuple[Dataset, ...]:
    """A dataset and all below it, the upper ones first."""
    return tuple(sorted((each for each in datasets if each.is_below(name)), key=lambda each: each.name))


SYSTEM_PLACES: Final = ("/boot", "/etc", "/root", "/usr", "/var", "/opt", "/run", "/tmp")  # noqa: S108 - names


def system_pools(datasets: Sequence[Dataset]) -> frozenset[str]:
    """Pools that the machine itself starts from."""
    return frozenset(each.pool for each in datasets if each.mountpoint == "/" and each.mounted)


def protection(dataset: Dataset, everything: Sequence[Dataset]) -> str:
    """Why a dataset must not be destroyed, renamed or thrown away, in words; empty when it may be."""
    if not dataset.parent:
        return f"{dataset.name} is the root of its pool"
    if dataset.pool in system_pools(everything):
        return f"{dataset.name} lies in {dataset.pool}, from which this machine starts"
    inside = below(everything, dataset.name)
    if dataset.is_trash:
        return f"{dataset.name} is the trash, or lies in it"
    for each in inside:
        if each.text(SYSTEM) == "on" or _is_system_place(each.mountpoint):
            return f"{each.name} belongs to the system" + (
                f" (it is mounted at {each.mountpoint})" if each.mountpoint else ""
            )
    return ""


def _is_system_place(mountpoint: str) -> bool:
    return mountpoint == "/" or any(
        mountpoint == place or mountpoint.startswith(f"{place}/") for place in SYSTEM_PLACES
    )
