"""Datasets as ZFS tells them: filesystems and volumes, out of `zfs list -j` and `zfs get -j`. Pure.

Formats: OpenZFS 2.3, zfs-list(8) `-j -p`; names of properties: zfsprops(7). Numbers come as text: with
`--json-int` ZFS 2.3.9 tells every GUID from 2^63 on, half of them all, as 9223372036854775807.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final

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
        try:
            value: str | int = self._found[name]["value"]
        except (KeyError, TypeError) as error:
            if name not in self._found:
                return "-"
            raise OperationError(f"what ZFS answers cannot be read: {name}: {error!r}") from error
        return value

    def text(self, name: str) -> str:
        """A value as text; empty when it is not set."""
        try:  # as `plain`, without the call: this is most of what a list costs
            value = self._found[name]["value"]
        except (KeyError, TypeError):
            value = self.plain(name)
        return "" if value == "-" else str(value)

    def number(self, name: str) -> int | None:
        """A count; None where ZFS says `-` or `none`."""
        value = self.plain(name)
        if value in _NO_NUMBER:
            return None
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise OperationError(f"what ZFS answers cannot be read: {name}: {error}") from error

    def count(self, name: str) -> int:
        """A number that every dataset has.

        Raises:
            OperationError: ZFS was not asked for it, or does not tell it.
        """
        if (value := self.number(name)) is None:
            raise OperationError(f"what ZFS answers cannot be read: {name}: it is not told")
        return value


_NO_NUMBER: Final = ("-", "none", "")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A filesystem or a volume. All but its name, type and GUID is read when it is asked for: a list of
    thousands asks for little, and what was not asked of ZFS is empty.

    Attributes:
        name: with its pool.
        guid: the identity that outlives names, as decimal text.
        type: filesystem or volume.
        properties: all that was asked for, by name.
    """

    name: str
    guid: str
    type: DatasetType
    properties: Properties = field(repr=False)

    @property
    def used_bytes(self) -> int:
        """With its snapshots and children."""
        return self.properties.count("used")

    @property
    def available_bytes(self) -> int | None:
        """What can still be written; None when ZFS does not say."""
        return self.properties.number("available")

    @property
    def referenced_bytes(self) -> int:
        """Its own data alone."""
        return self.properties.count("referenced")

    @property
    def quota_bytes(self) -> int | None:
        """None for no limit (volumes have none)."""
        return self.properties.number("quota") or None

    @property
    def mountpoint(self) -> str:
        """Where it is or would be mounted; empty for nowhere, `legacy` when fstab(5) decides."""
        place = self.properties.text("mountpoint")
        return "" if place == "none" else place

    @property
    def mounted(self) -> bool:
        """Whether it is mounted now."""
        return self.properties.text("mounted") == "yes"

    @property
    def can_mount(self) -> str:
        """`on`, `off` or `noauto`; empty for volumes."""
        return self.properties.text("canmount")

    @property
    def readonly(self) -> bool:
        """Whether nothing can be written."""
        return self.properties.text("readonly") == "on"

    @property
    def encryption(self) -> str:
        """`off`, or the cipher."""
        return self.properties.text("encryption")

    @property
    def encryption_root(self) -> str:
        """The dataset that has the key; empty when it is not encrypted."""
        return self.properties.text("encryptionroot")

    @property
    def key_status(self) -> KeyStatus:
        """Whether the key is loaded."""
        return _key_status(self.properties.text("keystatus"))

    @property
    def key_format(self) -> str:
        """`passphrase`, `hex` or `raw`; `none` when it is not encrypted."""
        return self.properties.text("keyformat")

    @property
    def key_location(self) -> str:
        """`prompt` or a URI, on the encryption root; `none` elsewhere."""
        return self.properties.text("keylocation")

    @property
    def origin(self) -> str:
        """The snapshot that it is a clone of; empty for none."""
        return self.properties.text("origin")

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
        return self.properties.text(TRASH) == "container"

    def text(self, name: str) -> str:
        """A property as text; empty when it is not set."""
        return self.properties.text(name)

    def own(self, name: str) -> str:
        """A property as text when it was set on this very dataset; user properties are inherited."""
        found = self.properties.get(name)
        return self.text(name) if found is not None and found.is_own else ""

    def is_below(self, other: str) -> bool:
        """Whether it is that dataset, or lies below it."""
        return self.name == other or self.name.startswith(f"{other}/")


def each[T](text: str, make: Callable[[Mapping[str, Any]], T | None]) -> list[T]:
    """What is made of each object of a `zfs … -j` output, in its order, but for None.

    It is made as soon as the object is read, and what it was read from may be gone before the next one comes:
    a list of thousands takes half the time of one that is read as a whole first.

    Raises:
        OperationError: it is not what zfs-list(8) says it would be.
    """

    def made(found: dict[str, Any]) -> Any:
        # in the table of objects, an object that is called `properties` is made already: no dict any more
        return (make(found),) if type(found.get("properties")) is dict else found

    try:
        told = json.loads(text or "{}", object_hook=made).get("datasets", {})
        if not all(type(one) is tuple for one in told.values()):
            raise OperationError("what ZFS answers cannot be read: its datasets are no table")
        return [value for (value,) in told.values() if value is not None]
    except _ODD as error:
        raise OperationError(f"what ZFS answers cannot be read: {error!r}") from error


_ODD: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def objects(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The objects of a `zfs … -j` output, by name.

    Raises:
        OperationError: it is not what zfs-list(8) says it would be.
    """
    return dict(each(text, lambda found: (found["name"], found)))


def parse_datasets(text: str) -> tuple[Dataset, ...]:
    """Filesystems and volumes of a `zfs list -j` or `zfs get -j`, by name.

    Raises:
        OperationError: the output cannot be read.
    """
    return map_datasets(text, lambda dataset: dataset)


def map_datasets[T](text: str, make: Callable[[Dataset], T | None]) -> tuple[T, ...]:
    """What is made of each filesystem and volume of a `zfs list -j` or `zfs get -j`, by name, but for None.

    Raises:
        OperationError: the output cannot be read.
    """

    def one(found: Mapping[str, Any]) -> tuple[str, T] | None:
        dataset = _dataset(found)
        if dataset is None or (made := make(dataset)) is None:
            return None
        return dataset.name, made

    return tuple(made for _, made in sorted(each(text, one), key=itemgetter(0)))


_TYPES: Final = {each.upper(): each for each in DatasetType}


def _dataset(found: Mapping[str, Any]) -> Dataset | None:
    if found["type"] not in _TYPES:
        return None
    properties = found["properties"]
    guid = str(int(properties["guid"]["value"]))
    return Dataset(found["name"], guid, _TYPES[found["type"]], Properties(properties))


def _key_status(told: str) -> KeyStatus:
    try:
        return KeyStatus(told) if told else KeyStatus.NONE
    except ValueError as error:
        raise OperationError(f"what ZFS answers cannot be read: keystatus: {error}") from error


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
