"""The trash: a dataset that is thrown away is renamed into it, and destroyed only when its time is up. Pure.

The container is `.sigmavault-trash`: it is mounted nowhere, so what is moved into it and inherits its place
is mounted nowhere either. It stands in the pool, or in the encryption root from which a dataset inherits its
key: ZFS lets no such dataset leave it. What is needed to put a dataset back are user properties of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sigmavault.core.storage.datasets import (
    TRASH,
    TRASH_CANMOUNT,
    TRASH_DAYS,
    TRASH_ORIGIN,
    TRASH_SINCE,
    Dataset,
    DatasetType,
)
from sigmavault.core.storage.snapshots import from_iso, iso

CONTAINER: Final = ".sigmavault-trash"
DEFAULT_DAYS: Final = 7
LONGEST_DAYS: Final = 365
_DAY_S: Final = 24 * 60 * 60

CONTAINER_PROPERTIES: Final = ("-o", "canmount=off", "-o", "mountpoint=none", "-o", f"{TRASH}=container")
"""What the container is made with (`zfs create`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrown:
    """A dataset in the trash.

    Attributes:
        dataset: it, under its name in the trash.
        origin: the name that it had; empty when that is not known.
        since: when it was thrown away, seconds since 1970; None when that is not known.
        days: for how long it is kept.
    """

    dataset: Dataset
    origin: str
    since: float | None
    days: int | None

    @property
    def entry(self) -> str:
        """How it is listed: the last part of its name there."""
        return self.dataset.name.rpartition("/")[2]

    @property
    def due_at(self) -> float | None:
        """From when on it may be destroyed; None when that is not known: then nothing does it by itself."""
        if self.since is None or self.days is None:
            return None
        return self.since + self.days * _DAY_S

    def is_due(self, now: float) -> bool:
        """Whether its time is up."""
        return self.due_at is not None and now >= self.due_at


def container_of(dataset: Dataset) -> str:
    """The container that a dataset is thrown into."""
    inherits = dataset.encryption_root and dataset.encryption_root != dataset.name
    return f"{dataset.encryption_root if inherits else dataset.pool}/{CONTAINER}"


def name_in_trash(dataset: Dataset) -> str:
    """Its name there: its own, and its GUID, so that no two are alike: `photos_1234567890`."""
    own = dataset.name.rpartition("/")[2]
    container = container_of(dataset)
    # ZFS takes 255 bytes, and what lies below it is as long as before
    room = 200 - len(container) - len(dataset.guid) - 2
    return f"{container}/{own[: max(room, 1)].rstrip()}_{dataset.guid}"


def stamp(origin: str, now: float, days: int) -> tuple[str, ...]:
    """The properties that a dataset is marked with before it is thrown away, as `zfs set` takes them."""
    return f"{TRASH_ORIGIN}={origin}", f"{TRASH_SINCE}={iso(now)}", f"{TRASH_DAYS}={days}"


STAMPS: Final = (TRASH_ORIGIN, TRASH_SINCE, TRASH_DAYS)
COLUMNS: Final = ("guid", "used", TRASH, *STAMPS)
"""What is asked of every dataset for a list of the trash."""


def thrown(datasets: Sequence[Dataset]) -> tuple[Thrown, ...]:
    """What lies in the trash, directly below its containers; those whose time is up first come first."""
    found = tuple(_thrown(each) for each in datasets if is_thrown(each))
    return tuple(sorted(found, key=lambda each: (each.due_at is None, each.due_at or 0.0, each.dataset.name)))


def is_thrown(dataset: Dataset) -> bool:
    """Whether it lies directly in a container."""
    return dataset.is_trash and dataset.parent.rpartition("/")[2] == CONTAINER


def _thrown(dataset: Dataset) -> Thrown:
    days = dataset.own(TRASH_DAYS)
    return Thrown(
        dataset=dataset, origin=dataset.own(TRASH_ORIGIN), since=from_iso(dataset.own(TRASH_SINCE)),
        days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else None,
    )  # fmt: skip


def to_hide(inside: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """Filesystems that would be mounted in the trash as well: they do not inherit their place from outside.

    Args:
        inside: the dataset that is thrown away, and all below it.
    """
    top = inside[0].name
    return tuple(each for each in inside if each.can_mount == "on" and _has_own_place(each, top))


def _has_own_place(dataset: Dataset, top: str) -> bool:
    if dataset.type is not DatasetType.FILESYSTEM:
        return False
    place = dataset.properties["mountpoint"]
    above = place.inherited_from
    return place.is_own or (bool(above) and (above == top or above.startswith(f"{top}/")))


def hidden(inside: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """Those whose `canmount` was changed for the trash, and has to be as before when they come back."""
    return tuple(each for each in inside if each.own(TRASH_CANMOUNT))


def lies_in_trash(name: str) -> bool:
    """Whether the name is one in the trash; for lists of snapshots, which have no properties of datasets."""
    return CONTAINER in name.split("/")
