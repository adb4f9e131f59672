"""What the operations on datasets answer with, and the parts that their plans share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sigmavault.core.errors import InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.operation import Bytes, Machine, Step, Target, Value
from sigmavault.core.storage.datasets import (
    PRESET,
    Dataset,
    DatasetType,
    KeyStatus,
    below,
    by_name,
    protection,
)
from sigmavault.system import zfs
from sigmavault.system.holders import holders


class DatasetRow(Value):
    """A dataset, flat.

    Attributes:
        name: with its pool.
        guid: its identity, decimal.
        type: filesystem or volume.
        used_bytes: with its snapshots and children.
        available_bytes: what can still be written; null when ZFS does not say.
        referenced_bytes: its own data alone.
        quota_bytes: null for no limit.
        mountpoint: where it is or would be mounted; empty for nowhere.
        mounted: whether it is mounted now.
        readonly: whether nothing can be written.
        encryption: `off`, or the cipher.
        encryption_root: the dataset that has the key.
        key: whether the key is loaded; `none` when it is not encrypted.
        preset: what it was made for; empty when that is not known.
        origin: the snapshot that it is a clone of.
    """

    name: str
    guid: str
    type: DatasetType
    used_bytes: Bytes
    available_bytes: Bytes | None
    referenced_bytes: Bytes
    quota_bytes: Bytes | None
    mountpoint: str
    mounted: bool
    readonly: bool
    encryption: str
    encryption_root: str
    key: KeyStatus
    preset: str
    origin: str


def row(dataset: Dataset) -> DatasetRow:
    """The row of a dataset."""
    return DatasetRow(
        name=dataset.name, guid=dataset.guid, type=dataset.type, used_bytes=dataset.used_bytes,
        available_bytes=dataset.available_bytes, referenced_bytes=dataset.referenced_bytes,
        quota_bytes=dataset.quota_bytes, mountpoint=dataset.mountpoint, mounted=dataset.mounted,
        readonly=dataset.readonly, encryption=dataset.encryption, encryption_root=dataset.encryption_root,
        key=dataset.key_status, preset=dataset.text(PRESET), origin=dataset.origin,
    )  # fmt: skip


def target(dataset: Dataset) -> Target:
    """A dataset as a part of a plan."""
    facts = {"mountpoint": dataset.mountpoint} if dataset.mountpoint else {}
    return Target(kind="dataset", name=dataset.name, identity=dataset.guid, facts=facts)


def lock(name: str) -> str:
    """The lock of a dataset and all below it."""
    return f"dataset:{name}"


def in_pool(machine: Machine, name: str) -> tuple[Dataset, ...]:
    """All datasets of the pool in which a name lies.

    Raises:
        UnknownObjectError: there is no such pool.
    """
    return zfs.datasets(machine, name.partition("/")[0])


def named(everything: Iterable[Dataset], name: str) -> Dataset:
    """The dataset of a name, that is not in the trash.

    Raises:
        UnknownObjectError: there is none.
    """
    found = by_name(everything).get(name)
    if found is None:
        raise UnknownObjectError(f"there is no dataset {name}")
    return found


def require_free(everything: Sequence[Dataset], name: str, param: str) -> None:
    """Raises InvalidRequestError when a name is taken."""
    if name in by_name(everything):
        raise InvalidRequestError(f"{param}: there is a dataset {name} already", param=param)


def require_parent(everything: Sequence[Dataset], name: str, param: str) -> Dataset:
    """The dataset below which a new one can stand.

    Raises:
        InvalidRequestError: there is none, or nothing can stand below it.
    """
    above = name.rpartition("/")[0]
    found = by_name(everything).get(above)
    if found is None:
        raise InvalidRequestError(f"{param}: there is no dataset {above} to put it in", param=param)
    if found.type is not DatasetType.FILESYSTEM:
        raise InvalidRequestError(f"{param}: {above} is a volume: nothing can be put in it", param=param)
    return found


def require_unprotected(dataset: Dataset, everything: Sequence[Dataset]) -> None:
    """Raises OperationError for a dataset that must stay where it is."""
    if reason := protection(dataset, everything):
        raise OperationError(f"{reason}: it must stay as it is")


def place_below(parent: Dataset, name: str) -> str:
    """Where a dataset is mounted that inherits its place; empty for nowhere."""
    if not parent.mountpoint or parent.mountpoint == "legacy":
        return ""
    return f"{parent.mountpoint.rstrip('/')}/{name.removeprefix(f'{parent.name}/')}"


def require_free_place(machine: Machine, place: str) -> None:
    """Raises OperationError when a folder with something in it would be hidden by a mount."""
    folder = machine.root / place.lstrip("/")
    if not place or not folder.exists():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise OperationError(
            f"{place} is there and holds something, which would be hidden", hint="move it away first"
        )


def require_unused(machine: Machine, inside: Sequence[Dataset]) -> None:
    """Raises OperationError when a process works in one of the datasets, or a volume is held."""
    for each in inside:
        if each.type is DatasetType.VOLUME:
            device = machine.root / "dev/zvol" / each.name
            if device.exists() and machine.is_held(device):
                raise OperationError(f"the volume {each.name} is in use")
    if who := holders(machine, [each.mountpoint for each in inside if each.mounted]):
        told = ", ".join(f"{each.name} ({each.pid}): {each.path}" for each in who[:5])
        raise OperationError(f"{inside[0].name} is in use by {told}", hint="end them first")


def unmounting(dataset: Dataset) -> Step:
    """Unmount it; ZFS refuses while it is in use."""
    argv = ("zfs", "unmount", "--", dataset.name)
    return Step(text=f"Unmount {dataset.name}", argv=argv, timeout_s=zfs.CHANGE_S)


def renaming(text: str, dataset: Dataset, new: str) -> Step:
    """Rename it without mounting anything."""
    # -u is refused for volumes, which have nothing to mount
    option = ["-u"] if dataset.type is DatasetType.FILESYSTEM else []
    return Step(text=text, argv=("zfs", "rename", *option, "--", dataset.name, new), timeout_s=zfs.CHANGE_S)


def with_children(everything: Sequence[Dataset], name: str) -> tuple[Dataset, ...]:
    """A dataset and those below it, the upper ones first."""
    return below(everything, name)


def key_is_missing(dataset: Dataset) -> bool:
    """Whether it is encrypted, and its key not loaded."""
    return dataset.key_status is KeyStatus.UNAVAILABLE
