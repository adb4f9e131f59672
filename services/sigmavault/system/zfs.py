"""Datasets and snapshots as the machine has them. One `zfs` process for each look; nothing is cached.

The command lines, of which there are no others for looking:

    zfs list -j -p -t filesystem,volume -o COLUMNS [-r -- DATASET]
    zfs list -j -p -t filesystem,volume -o COLUMNS -- DATASET
    zfs list -j -p -t filesystem,volume,snapshot,bookmark -o COLUMNS+ -r -- DATASET
    zfs list -j -p -t snapshot -o SNAPSHOT-COLUMNS [-d 1 | -r -- DATASET]
    zfs list -j -p -t snapshot,bookmark -o SNAPSHOT-COLUMNS -d 1 -- DATASET
    zfs get -j -p all -- DATASET
    zfs list -j -p -t filesystem,volume,snapshot -o name,guid -- NAME
    zfs get -j -p written@TAG -- DATASET
    zfs holds -H -- SNAPSHOT
    zfs destroy -n -v -p [-r] -- DATASET|SNAPSHOT
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sigmavault.core.errors import (
    CommandError,
    OperationError,
    PlanChangedError,
    UnknownObjectError,
)
from sigmavault.core.operation import Machine
from sigmavault.core.storage import datasets as dataset_values
from sigmavault.core.storage import snapshots as snapshot_values
from sigmavault.core.storage.datasets import Dataset, map_datasets, objects, parse_datasets
from sigmavault.core.storage.snapshots import Snapshot, parse_snapshots
from sigmavault.system import zpool

CHANGE_S: Final = 60.0
DESTROY_S: Final = 600.0
"""Time limits of commands that change something, and of those that free space, in seconds."""

_LIST: Final = ("zfs", "list", "-j", "-p", "-t")
_GET: Final = ("zfs", "get", "-j", "-p", "all", "--")
_DATASETS: Final = "filesystem,volume"
_BOTH: Final = tuple(dict.fromkeys((*dataset_values.COLUMNS, *snapshot_values.COLUMNS)))


def look(machine: Machine, argv: Sequence[str], name: str = "") -> str:
    """Run a command of ZFS that only looks; returns what it prints.

    Args:
        machine: where.
        argv: the command.
        name: the dataset or snapshot that it is about, for the message when there is none.

    Raises:
        ZfsMissingError: ZFS is not installed, or its module not loaded.
        UnknownObjectError: there is no such object.
        OperationError: ZFS does not answer in time.
        CommandError: it failed otherwise.
    """
    try:
        return zpool.read(machine, tuple(argv))
    except CommandError as error:
        if name and ("does not exist" in error.stderr or "could not find any snapshots" in error.stderr):
            raise UnknownObjectError(f"there is no {kind_of(name)} {name}") from error
        raise


def require_awake(machine: Machine, name: str) -> None:
    """Raises OperationError when the pool of a dataset is suspended: whoever touches its files hangs."""
    pool = name.partition("/")[0].partition("@")[0]
    if pool in zpool.suspended(machine):
        raise OperationError(
            f"the pool {pool} is suspended", hint="plug its disks in again, then `sigmavault pool clear`"
        )


def require_same(machine: Machine, name: str, guid: str) -> None:
    """The last look before something irrevocable: the name still belongs to the object that was planned.

    Raises:
        PlanChangedError: it is another one, or gone.
        SigmaVaultError: see `look`.
    """
    types = f"{_DATASETS},snapshot"
    found = objects(look(machine, (*_LIST, types, "-o", "name,guid", "--", name), name))
    told = found[name]["properties"]["guid"]["value"] if name in found else None
    if str(told) != guid:
        raise PlanChangedError(f"{name} is not what it was when the plan was made", "make the plan again")


def kind_of(name: str) -> str:
    """What a name is the name of, in words."""
    return "snapshot" if "@" in name else "dataset"


def datasets(
    machine: Machine, root: str = "", columns: Sequence[str] = dataset_values.COLUMNS
) -> tuple[Dataset, ...]:
    """All filesystems and volumes, or one and those below it; sorted by name, the trash included.

    Args:
        machine: where.
        root: the uppermost; empty for all.
        columns: the properties that are asked for; what was not asked for is empty.

    Raises:
        SigmaVaultError: see `look`.
    """
    return each_dataset(machine, lambda dataset: dataset, root, columns)


def each_dataset[T](
    machine: Machine, make: Callable[[Dataset], T | None], root: str = "",
    columns: Sequence[str] = dataset_values.COLUMNS,
) -> tuple[T, ...]:  # fmt: skip
    """What is made of each of the `datasets`, but for None; for lists of thousands: see `core…datasets.each`.

    Raises:
        SigmaVaultError: see `look`.
    """
    where = ("-r", "--", root) if root else ()
    text = look(machine, (*_LIST, _DATASETS, "-o", ",".join(columns), *where), root)
    return map_datasets(text, make)


def dataset(machine: Machine, name: str) -> Dataset:
    """One of them.

    Raises:
        UnknownObjectError: there is none of this name.
        SigmaVaultError: see `look`.
    """
    columns = ",".join(dataset_values.COLUMNS)
    return _only(parse_datasets(look(machine, (*_LIST, _DATASETS, "-o", columns, "--", name), name)), name)


def properties(machine: Machine, name: str) -> Dataset:
    """One of them, with every property that it has.

    Raises:
        UnknownObjectError: there is none of this name.
        SigmaVaultError: see `look`.
    """
    return _only(parse_datasets(look(machine, (*_GET, name), name)), name)


def _only(found: Sequence[Dataset], name: str) -> Dataset:
    if len(found) != 1:
        raise UnknownObjectError(f"there is no dataset {name}")
    return found[0]


def tree(machine: Machine, name: str) -> tuple[tuple[Dataset, ...], tuple[Snapshot, ...]]:
    """A dataset with all below it, and the snapshots and bookmarks of all of them.

    Raises:
        UnknownObjectError: there is none of this name.
        SigmaVaultError: see `look`.
    """
    types = f"{_DATASETS},snapshot,bookmark"
    text = look(machine, (*_LIST, types, "-o", ",".join(_BOTH), "-r", "--", name), name)
    return parse_datasets(text), parse_snapshots(text)


def snapshots(machine: Machine, name: str = "", *, recursive: bool = False) -> tuple[Snapshot, ...]:
    """Snapshots of one dataset (and of those below it), or of all; the oldest first.

    Raises:
        UnknownObjectError: there is no dataset of this name.
        SigmaVaultError: see `look`.
    """
    where = (*(("-r",) if recursive else ("-d", "1")), "--", name) if name else ()
    columns = ",".join(snapshot_values.COLUMNS)
    return parse_snapshots(look(machine, (*_LIST, "snapshot", "-o", columns, *where), name))


def history(machine: Machine, name: str) -> tuple[Snapshot, ...]:
    """Snapshots and bookmarks of one dataset, the oldest first.

    Raises:
        UnknownObjectError: there is no dataset of this name.
        SigmaVaultError: see `look`.
    """
    columns = ",".join(snapshot_values.COLUMNS)
    argv = (*_LIST, "snapshot,bookmark", "-o", columns, "-d", "1", "--", name)
    return parse_snapshots(look(machine, argv, name))


def snapshot(machine: Machine, name: str) -> Snapshot:
    """One snapshot, `tank/photos@monday`.

    Raises:
        UnknownObjectError: there is none of this name.
        SigmaVaultError: see `look`.
    """
    columns = ",".join(snapshot_values.COLUMNS)
    found = parse_snapshots(look(machine, (*_LIST, "snapshot", "-o", columns, "--", name), name))
    if len(found) != 1:
        raise UnknownObjectError(f"there is no snapshot {name}")
    return found[0]


def hold_tags(machine: Machine, name: str) -> tuple[str, ...]:
    """The tags of the holds on a snapshot. `zfs holds` has no JSON; `-H` separates by one tab.

    Raises:
        SigmaVaultError: see `look`.
    """
    lines = look(machine, ("zfs", "holds", "-H", "--", name), name).splitlines()
    parts = [line.split("\t") for line in lines]
    return tuple(sorted(part[1] for part in parts if len(part) >= 2 and part[0] == name))


def written_since(machine: Machine, since: Snapshot) -> int:
    """How many bytes were written to a dataset after a snapshot of it was taken (`written@`, zfsprops(7)).

    Raises:
        SigmaVaultError: see `look`.
    """
    name = f"written@{since.tag}"
    argv = ("zfs", "get", "-j", "-p", name, "--", since.dataset)
    found = objects(look(machine, argv, since.dataset))
    try:
        return int(found[since.dataset]["properties"][name]["value"])
    except (KeyError, TypeError, ValueError) as error:
        raise OperationError(f"ZFS does not tell what was written since {since.name}") from error


def would_destroy(machine: Machine, name: str, *, recursive: bool = False) -> tuple[tuple[str, ...], int]:
    """What `zfs destroy` would destroy, and how many bytes that would free: its own dry run (`-n -v -p`).

    Raises:
        SigmaVaultError: see `look`; also when ZFS itself would refuse.
    """
    argv = ("zfs", "destroy", "-n", "-v", "-p", *(("-r",) if recursive else ()), "--", name)
    names, freed = [], 0
    for line in look(machine, argv, name).splitlines():
        word, _, rest = line.partition("\t")
        if word == "destroy":
            names.append(rest)
        elif word == "reclaim":
            freed = int(rest)
    return tuple(names), freed
