"""What a disk is, read from `lsblk --json` (lsblk(8), util-linux 2.41). Pure.

`system.disks` looks; this knows what the answer means. Names, labels and serials come from hardware and from
whoever wrote the disk: they are text to show, never parts of a path or of a command.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.storage.smart import Health

COLUMNS: Final = (
    "NAME", "KNAME", "PATH", "DISK-SEQ", "TYPE", "SIZE", "START", "RO", "RM", "ROTA", "TRAN", "MODEL",
    "SERIAL", "VENDOR", "WWN", "LOG-SEC", "PHY-SEC", "ZONED", "PTTYPE", "PARTTYPE", "PARTUUID", "FSTYPE",
    "LABEL", "UUID", "MOUNTPOINTS",
)  # fmt: skip
"""What lsblk is asked for. FSTYPE, LABEL, UUID and PTTYPE are what udev saw when the disk was last written:
reading them wakes no sleeping disk, and they show one signature where there may be two. Before a disk is
used it is read itself: `Disk.signatures`."""

SECTOR_BYTES: Final = 512
"""What START counts in, whatever the sectors of the disk are (sysfs-block)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A block device: a disk, a partition, or what stands on one of them.

    Attributes:
        kernel_name: `sda1`; another device tomorrow.
        path: `/dev/sda1`, `/dev/mapper/vault`.
        type: lsblk's word: `disk`, `part`, `crypt`, `lvm`, `raid1`, `mpath`, …
        size_bytes: its size.
        start_bytes: where a partition begins on its disk; 0 for all else.
        fs_type: what udev found on it: `ext4`, `zfs_member`, `LVM2_member`, `swap`; empty for nothing.
        label: name of that; of a ZFS member the name of its pool.
        uuid: its identity; of a ZFS member the GUID of its pool, in decimal.
        table: `gpt` or `dos`: the partition table that it has or stands in; empty for none.
        partition_type: GUID or number of the type of a partition.
        partition_uuid: PARTUUID.
        mounts: where it is mounted; `[SWAP]` for active swap.
        children: what stands on it.
    """

    kernel_name: str
    path: str
    type: str = "part"
    size_bytes: int = 0
    start_bytes: int = 0
    fs_type: str = ""
    label: str = ""
    uuid: str = ""
    table: str = ""
    partition_type: str = ""
    partition_uuid: str = ""
    mounts: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def is_partition(self) -> bool:
        """Whether it is a partition that the kernel knows, and not one that device-mapper made (kpartx)."""
        return self.type == "part" and not self.kernel_name.startswith("dm-")

    def tree(self) -> Iterator[Node]:
        """The device, and all that stands on it."""
        yield self
        for child in self.children:
            yield from child.tree()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Something recognisable that stands on a disk or on a partition of it, read from the disk itself.

    Attributes:
        device: kernel name of where it was found.
        type: libblkid's word: `ext4`, `zfs_member`, `gpt`, …
        label: name that it bears.
        uuid: its identity; of a ZFS member the GUID of the pool.
    """

    device: str
    type: str
    label: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A disk is part of an imported pool.

    Attributes:
        pool: its name, as it is imported.
        guid: GUID of the pool, in decimal.
    """

    pool: str
    guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk.

    Attributes:
        name: its best name in /dev/disk/by-id; empty when it has none.
        aliases: all its names there.
        path: `/dev/sda`: for messages, never for use.
        node: the block device, with partitions and what stands on them.
        sequence: the kernel's number for this disk in this slot since boot (diskseq); 0 when it has none.
        serial: as the disk tells it; empty when it does not.
        model, vendor, wwn, transport: as lsblk tells them; empty when unknown.
        size_bytes: its size.
        sector_bytes: logical sectors.
        physical_sector_bytes: physical sectors.
        is_rotational: whether it has platters.
        is_removable: a stick or card, says the kernel (not: a USB disk).
        is_read_only: it cannot be written.
        has_protection: formatted with protection information (T10 DIF), which ZFS does not use.
        is_zoned: host-managed zones, which ZFS cannot write.
        is_boot: the machine runs or starts from it.
        is_live_medium: the live system runs from it.
        shares_serial: another disk tells the same serial.
        temperature_c: of the kernel's sensor; None when it has none.
        membership: the imported pool it is part of; None for none.
        former_pool: the imported pool whose label it bears, though that pool does not use it; empty for none.
        are_pools_known: whether the imported pools could be read.
        health: what SMART last said; None when it was never asked.
        signatures: what stands on it, read from the disk itself; None when it was not read.
        is_held: whether the kernel refuses its exclusive use; None when it was not asked.
    """

    name: str
    aliases: tuple[str, ...] = ()
    path: str
    node: Node
    sequence: int = 0
    serial: str = ""
    model: str = ""
    vendor: str = ""
    wwn: str = ""
    transport: str = ""
    size_bytes: int = 0
    sector_bytes: int = 512
    physical_sector_bytes: int = 512
    is_rotational: bool = False
    is_removable: bool = False
    is_read_only: bool = False
    has_protection: bool = False
    is_zoned: bool = False
    is_boot: bool = False
    is_live_medium: bool = False
    shares_serial: bool = False
    temperature_c: float | None = None
    membership: Membership | None = None
    former_pool: str = ""
    are_pools_known: bool = True
    health: Health | None = None
    signatures: tuple[Signature, ...] | None = None
    is_held: bool | None = None

    @property
    def partitions(self) -> tuple[Node, ...]:
        """Its partitions."""
        return tuple(child for child in self.node.children if child.is_partition)

    @property
    def mounts(self) -> tuple[str, ...]:
        """Where it, a partition of it or what stands on one is mounted."""
        return tuple(dict.fromkeys(place for node in self.node.tree() for place in node.mounts))

    @property
    def by_id(self) -> str:
        """The path to use in commands; empty when the disk has no lasting name."""
        return f"/dev/disk/by-id/{self.name}" if self.name else ""

    @property
    def called(self) -> str:
        """How messages call it."""
        return self.name or self.path

    @property
    def found(self) -> tuple[Signature, ...]:
        """What stands on it: read from the disk where that was done, else what udev last saw."""
        return tuple(_seen(self.node)) if self.signatures is None else self.signatures


class Kind(StrEnum):
    """What a disk is built of."""

    HDD = "hdd"
    SSD = "ssd"
    NVME = "nvme"
    VIRTUAL = "virtual"
    USB = "usb"


def kind_of(disk: Disk) -> Kind:
    """What it is built of; a virtual disk tells nothing of what lies behind it."""
    fixed = {"nvme": Kind.NVME, "virtio": Kind.VIRTUAL, "usb": Kind.USB}
    if disk.transport in fixed:
        return fixed[disk.transport]
    if disk.vendor.strip().upper() == "QEMU" or disk.model.startswith("QEMU"):
        return Kind.VIRTUAL
    return Kind.HDD if disk.is_rotational else Kind.SSD


def _seen(node: Node) -> Iterator[Signature]:
    """What udev saw: on the disk, and on each partition. What stands on those is theirs."""
    parts = [child for child in node.children if child.is_partition]
    if node.table:
        yield Signature(device=node.kernel_name, type=node.table)
    for each in (node, *parts):
        if each.fs_type:
            yield Signature(device=each.kernel_name, type=each.fs_type, label=each.label, uuid=each.uuid)


# --- lsblk ---

_MOST_DEVICES: Final = 20_000
_DEEPEST: Final = 16


def parse_lsblk(text: str) -> tuple[tuple[Node, Mapping[str, Any]], ...]:
    """The block devices at the top, each with the values that lsblk told of it, out of `lsblk --json`.

    Raises:
        OperationError: it is not such a text.
    """
    try:
        devices = json.loads(text)["blockdevices"]
        counted: Counter[str] = Counter()
        return tuple((_node(each, 0, counted), each) for each in devices)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OperationError(f"lsblk's list of block devices cannot be read: {error}") from error


def _node(raw: Mapping[str, Any], depth: int, counted: Counter[str]) -> Node:
    counted["devices"] += 1
    if depth > _DEEPEST or counted["devices"] > _MOST_DEVICES:
        raise ValueError("too many devices, or too deep")
    kernel_name, path = raw["kname"], raw["path"]
    if not isinstance(kernel_name, str) or not isinstance(path, str):
        raise TypeError("a device without a name")
    return Node(
        kernel_name=kernel_name, path=path, type=text_of(raw, "type"),
        size_bytes=number_of(raw, "size"), start_bytes=number_of(raw, "start") * SECTOR_BYTES,
        fs_type=text_of(raw, "fstype"), label=text_of(raw, "label"), uuid=text_of(raw, "uuid"),
        table=text_of(raw, "pttype"), partition_type=text_of(raw, "parttype").lower(),
        partition_uuid=text_of(raw, "partuuid").lower(),
        mounts=tuple(place for place in raw.get("mountpoints") or () if isinstance(place, str) and place),
        children=tuple(_node(child, depth + 1, counted) for child in raw.get("children") or ()),
    )  # fmt: skip


_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST: Final = 256


def shown(text: str) -> str:
    """Text from a disk as it may be shown: one line, no terminal escapes, no turning of its direction."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.strip())[:_LONGEST]


def text_of(raw: Mapping[str, Any], name: str) -> str:
    """A text of lsblk's; empty where it has none."""
    value = raw.get(name)
    return shown(value) if isinstance(value, str) else ""


def number_of(raw: Mapping[str, Any], name: str) -> int:
    """A number of lsblk's; 0 where it has none."""
    value = raw.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def flag_of(raw: Mapping[str, Any], name: str) -> bool:
    """A flag of lsblk's: a boolean, in older versions the text `1`."""
    return raw.get(name) in (True, "1")


# --- names ---

_PREFERENCE: Final = (
    "wwn-", "nvme-eui.", "nvme-uuid.", "nvme-nguid.", "ata-", "nvme-", "scsi-", "virtio-", "mmc-", "usb-",
)  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+@=,-]*")


def best_name(names: Iterable[str]) -> str:
    """The name of a disk that says most surely that it is the same one; empty when there is none.

    A world-wide name first: the other names are put together from model and serial, which cheap USB bridges
    invent. `dm-`, `md-`, `lvm-` names are not names of disks.
    """
    fit = [each for each in names if _NAME.fullmatch(each) and _rank(each) < len(_PREFERENCE)]
    return min(fit, key=lambda each: (_rank(each), len(each), each), default="")


def _rank(name: str) -> int:
    return next((at for at, start in enumerate(_PREFERENCE) if name.startswith(start)), len(_PREFERENCE))


def mark_shared_serials(disks: Iterable[Disk]) -> tuple[Disk, ...]:
    """The disks; each knows whether another one tells the same serial. Several paths to one are several."""
    held = tuple(disks)
    counted = Counter(disk.serial for disk in held if disk.serial)
    return tuple(replace(disk, shares_serial=counted[disk.serial] > 1) for disk in held)


def parse_wipefs(text: str) -> tuple[Signature, ...]:
    """What stands on disks, out of `wipefs --json --output DEVICE,TYPE,LABEL,UUID`; each thing once.

    Raises:
        OperationError: it is not such a text.
    """
    if not text.strip():
        return ()  # wipefs says nothing at all about blank disks
    try:
        rows = json.loads(text)["signatures"]
        found = (
            Signature(
                device=str(row["device"]),
                type=text_of(row, "type"),
                label=text_of(row, "label"),
                uuid=text_of(row, "uuid"),
            )
            for row in rows
        )
        return tuple(dict.fromkeys(found))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OperationError(f"wipefs' list of signatures cannot be read: {error}") from error


def find(name: str, disks: Iterable[Disk]) -> Disk:
    """The disk of a by-id name or a serial.

    Raises:
        UnknownObjectError: there is none; a partition is none.
        OperationError: several disks have this serial.
    """
    held = tuple(disks)
    for disk in held:
        if name in disk.aliases or (disk.name and name == disk.name):
            return disk
    same = [disk for disk in held if disk.serial and disk.serial == name]
    if len(same) > 1:
        names = ", ".join(disk.called for disk in same)
        raise OperationError(f"{len(same)} disks have the serial {name}: {names}", hint="give a by-id name")
    if same:
        return same[0]
    whole = _PARTITION.sub("", name)
    if whole != name and any(whole in disk.aliases for disk in held):
        raise UnknownObjectError(f"{name} is a partition", hint=f"name the whole disk: {whole}")
    raise UnknownObjectError(
        f"there is no disk {name}", hint="`sigmavault disk list` shows their names in /dev/disk/by-id"
    )


_PARTITION: Final = re.compile(r"-part[0-9]+$")
