"""Why a disk must not be taken for a pool, or wiped. Pure.

Each rule has a code for programs and a sentence for people. A disk is eligible when no rule speaks against
it, and what is not known (a disk that was not read, pools that could not be listed) speaks against it. Only
two things can be overridden, by naming the disk: data that nobody uses, and a serial that is there twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sigmavault.core.storage.disks import Disk, Node, Signature
from sigmavault.core.storage.smart import Verdict
from sigmavault.core.values import GIB, format_bytes

SMALLEST_BYTES: Final = GIB
"""Below this a disk is no member of a pool: ZFS takes 64 MiB, and keeps more than that for itself."""


class Code(StrEnum):
    """Why not."""

    BOOT_DISK = "boot-disk"
    LIVE_MEDIUM = "live-medium"
    MOUNTED = "mounted"
    SWAP = "swap"
    LVM = "lvm"
    MD_RAID = "md-raid"
    LUKS = "luks"
    MULTIPATH = "multipath"
    HOLDER = "holder"
    POOL_MEMBER = "pool-member"
    FORMER_MEMBER = "former-member"
    EXPORTED_POOL = "exported-pool"
    POOLS_UNKNOWN = "pools-unknown"
    HAS_DATA = "has-data"
    READ_ONLY = "read-only"
    REMOVABLE = "removable"
    TOO_SMALL = "too-small"
    DIF_FORMATTED = "dif-formatted"
    ZONED = "zoned"
    SMART_FAILED = "smart-failed"
    NO_SERIAL = "no-serial"
    NO_NAME = "no-name"
    DUPLICATE_SERIAL = "duplicate-serial"
    HELD = "held"
    NOT_READ = "not-read"


class Override(StrEnum):
    """What a person may say about one disk, by its name."""

    OVERWRITE = "overwrite"
    """What is on it may be lost."""
    SAME_SERIAL = "same-serial"
    """It is this one, though another disk has the same serial."""


class Use(StrEnum):
    """What a disk is wanted for."""

    POOL = "pool"
    WIPE = "wipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason against a disk.

    Attributes:
        code: for programs; it stays as it is.
        text: for people; goes on after the name of the disk: `is mounted at /srv`.
        hint: what to do about it; empty where there is nothing.
        override: what lifts it for a pool; None: nothing does.
    """

    code: Code
    text: str
    hint: str = ""
    override: Override | None = None


_WIPED_ANYWAY: Final = frozenset(
    {Code.TOO_SMALL, Code.DIF_FORMATTED, Code.ZONED, Code.SMART_FAILED, Code.HAS_DATA, Code.EXPORTED_POOL,
     Code.FORMER_MEMBER}
)  # fmt: skip
"""What does not speak against wiping a disk: it is unfit for a pool, or has what the wiping is for."""


def reasons(disk: Disk) -> tuple[Reason, ...]:
    """Everything that speaks against the disk, the weightiest first."""
    return tuple(reason for rule in _RULES for reason in rule(disk))


def blockers(disk: Disk, *, use: Use = Use.POOL, overrides: Collection[Override] = ()) -> tuple[Reason, ...]:
    """What still speaks against the disk after what a person said about it."""
    found = (
        reason for reason in reasons(disk) if reason.override is None or reason.override not in overrides
    )
    if use is Use.WIPE:
        return tuple(reason for reason in found if not _is_wiped_anyway(reason))
    return tuple(found)


def ineligible(disk: Disk, overrides: Collection[Override] = ()) -> tuple[str, ...]:
    """Why the disk must not become part of a pool, a sentence each; empty when it may."""
    return tuple(sentence(disk, reason) for reason in blockers(disk, overrides=overrides))


def at_a_glance(disk: Disk) -> tuple[Reason, ...]:
    """What speaks against the disk, of what is known without reading it."""
    return tuple(reason for reason in reasons(disk) if reason.code is not Code.NOT_READ)


def is_overwritable(disk: Disk) -> bool:
    """Whether it could be wiped, as far as can be told without reading it."""
    return all(_is_wiped_anyway(reason) for reason in at_a_glance(disk))


def worries(disk: Disk) -> tuple[str, ...]:
    """What does not speak against the disk, and a careful person would want to know."""
    said = disk.health
    found = []
    if said is not None and said.verdict is Verdict.WARNING:
        found.append(f"{disk.called} may fail soon: see `disk show` (SMART).")
    if disk.transport == "usb":
        found.append(f"{disk.called} is connected by USB: good for a copy, not for a pool that is always on.")
    return tuple(found)


def use_of(disk: Disk) -> str:
    """What the disk is used for, in a few words: `pool tank`, `system`, `data: ext4 on sdb1`, `free`."""
    codes = {reason.code for reason in at_a_glance(disk)}
    if disk.membership is not None:
        return f"pool {disk.membership.pool}" + (" (system)" if disk.is_boot else "")
    for code, word in _USES.items():
        if code in codes:
            return word if code is not Code.MOUNTED else f"mounted at {_listed(_places(disk))}"
    if built := [node.path for node in disk.node.tree() if node is not disk.node and not node.is_partition]:
        return f"in use by {_listed(built)}"
    labels = sorted({each.label or "?" for each in disk.found if each.type == _ZFS})
    if labels:
        return f"{'left by' if disk.former_pool else 'exported'} pool {_listed(labels)}"
    found = contents(disk)
    return f"data: {_listed(list(found))}" if found else "free"


def sentence(disk: Disk, reason: Reason) -> str:
    """A reason as a sentence with the name of the disk."""
    return f"{disk.called} {reason.text}"


def contents(disk: Disk) -> tuple[str, ...]:
    """What would be lost with the disk, for people: `ext4 “photos” on sdb1`. Empty for a blank disk."""
    things = [_thing(each) for each in disk.found if each.type not in _TABLES]
    return tuple(dict.fromkeys(things or [_table(each, disk) for each in disk.found]))


_USES: Final = {
    Code.BOOT_DISK: "system", Code.LIVE_MEDIUM: "live system", Code.MOUNTED: "mounted", Code.SWAP: "swap",
}  # fmt: skip


def _places(disk: Disk) -> list[str]:
    return [place for place in disk.mounts if place != "[SWAP]"]


def _is_wiped_anyway(reason: Reason) -> bool:
    return reason.code in _WIPED_ANYWAY or reason.override is Override.OVERWRITE


# --- the rules ---

_LIVE_PLACES: Final = ("/run/live/", "/lib/live/mount/", "/usr/lib/live/mount/")
_TABLES: Final = frozenset({"gpt", "dos", "PMBR", "mac", "sun", "bsd", "sgi", "atari", "minix-table"})
_ZFS: Final = "zfs_member"
_AT_REST: Final = {
    "LVM2_member": (Code.LVM, "an LVM physical volume"),
    "LVM1_member": (Code.LVM, "an LVM physical volume"),
    "linux_raid_member": (Code.MD_RAID, "a member of a Linux software RAID"),
    "ddf_raid_member": (Code.MD_RAID, "a member of a RAID (DDF)"),
    "isw_raid_member": (Code.MD_RAID, "a member of a RAID (Intel)"),
    "crypto_LUKS": (Code.LUKS, "an encrypted volume (LUKS)"),
}
"""What belongs to something that is not running now: nobody uses it, but it is somebody's."""


def _boot(disk: Disk) -> Iterator[Reason]:
    if disk.is_boot:
        yield Reason(code=Code.BOOT_DISK, text="is the disk that this machine runs from")
    if disk.is_live_medium or any(place.startswith(_LIVE_PLACES) for place in disk.mounts):
        yield Reason(code=Code.LIVE_MEDIUM, text="is the medium that the live system runs from")


def _mounted(disk: Disk) -> Iterator[Reason]:
    if places := _places(disk):
        yield Reason(
            code=Code.MOUNTED,
            text=f"is mounted at {_listed(places)}",
            hint="" if disk.is_boot else "unmount it first",
        )
    if "[SWAP]" in disk.mounts:
        yield Reason(code=Code.SWAP, text="is in use as swap", hint="switch the swap off first (swapoff)")


_HOLDERS: Final = {
    Code.LVM: ("is in use by LVM", "take the volume group out of use first (vgchange --activate n)"),
    Code.LUKS: ("is in use as an opened encrypted volume", "close it first (cryptsetup close)"),
    Code.MULTIPATH: ("is one path of a multipath device", ""),
    Code.MD_RAID: ("is in use by a Linux software RAID", "stop the RAID first (mdadm --stop)"),
    Code.HOLDER: ("is in use by another device", ""),
}
_BUILT: Final = {"lvm": Code.LVM, "crypt": Code.LUKS, "mpath": Code.MULTIPATH}


def _holders(disk: Disk) -> Iterator[Reason]:
    """What the kernel has built on the disk, one reason for each kind."""
    built: dict[Code, list[str]] = {}
    for node in disk.node.tree():
        if node is not disk.node and not node.is_partition:
            built.setdefault(_holder_code(node), []).append(node.path)
    for code, paths in built.items():
        text, hint = _HOLDERS[code]
        yield Reason(code=code, text=f"{text}: {_listed(paths)}", hint=hint)


def _holder_code(node: Node) -> Code:
    if node.type.startswith(("raid", "md", "linear")):
        return Code.MD_RAID
    return _BUILT.get(node.type, Code.HOLDER)


def _pools(disk: Disk) -> Iterator[Reason]:
    if disk.membership is not None:
        name = disk.membership.pool
        yield Reason(code=Code.POOL_MEMBER, text=f"is part of the imported pool {name}")
    labels = [each for each in disk.found if each.type == _ZFS]
    if not labels or disk.membership is not None:
        return
    names = _listed(sorted({_pool_of(each) for each in labels}))
    if not disk.are_pools_known:
        text = f"bears a ZFS label ({names}), and the imported pools cannot be listed"
        yield Reason(code=Code.POOLS_UNKNOWN, text=text, hint="see `pool list`")
    elif disk.former_pool:
        text = f"bears the label of the imported pool {disk.former_pool}, which does not use it now"
        hint = f"bring it back into {disk.former_pool}, or wipe it"
        yield Reason(code=Code.FORMER_MEMBER, text=text, hint=hint)
    else:
        text = f"is part of an exported or foreign pool: {names}"
        yield Reason(code=Code.EXPORTED_POOL, text=text, hint="import the pool, or wipe the disk")


def _pool_of(label: Signature) -> str:
    if not label.label and not label.uuid:
        return "a spare or cache disk, which does not name its pool"
    return f"{label.label or 'without a name'} ({label.uuid or 'no GUID'})"


_LOSE: Final = "name it under `--overwrite` if what is on it may be lost, or wipe it first"


def _data(disk: Disk) -> Iterator[Reason]:
    """Data that nobody uses now. What is in use, or belongs to ZFS, has its own rule."""
    for each in disk.found:
        if each.type in _AT_REST and not _is_built_on(disk, each.device):
            code, what = _AT_REST[each.type]
            text = f"has data: {what} on {each.device}"
            yield Reason(code=code, text=text, hint=_LOSE, override=Override.OVERWRITE)
    plain = [each for each in disk.found if each.type not in _AT_REST and each.type != _ZFS]
    things = [_thing(each) for each in plain if each.type not in _TABLES]
    if not things and len(plain) == len(disk.found):
        things = [_table(each, disk) for each in plain]
    if things:
        text = f"has data: {_listed(list(dict.fromkeys(things)))}"
        yield Reason(code=Code.HAS_DATA, text=text, hint=_LOSE, override=Override.OVERWRITE)


def _is_built_on(disk: Disk, device: str) -> bool:
    """Whether the kernel has built something on a device that lies on the disk."""
    return any(
        any(not child.is_partition for child in node.children)
        for node in disk.node.tree()
        if node.kernel_name == device
    )


def _thing(each: Signature) -> str:
    label = f" “{each.label}”" if each.label else ""
    what = _AT_REST[each.type][1] if each.type in _AT_REST else each.type or "something"
    return f"{what}{label} on {each.device}"


def _table(each: Signature, disk: Disk) -> str:
    count = len(disk.partitions)
    many = f"{count} partition{'' if count == 1 else 's'}" if count else "no partitions"
    return f"a partition table with {many}" if each.type in _TABLES else _thing(each)


def _fitness(disk: Disk) -> Iterator[Reason]:
    """What makes it unfit for a pool, whatever is on it."""
    if disk.is_read_only:
        yield Reason(code=Code.READ_ONLY, text="is read-only")
    if disk.is_removable:
        yield Reason(code=Code.REMOVABLE, text="is a removable medium (a stick or a card)")
    if disk.size_bytes < SMALLEST_BYTES:
        text = f"is too small: {format_bytes(disk.size_bytes)}, needed are {format_bytes(SMALLEST_BYTES)}"
        yield Reason(code=Code.TOO_SMALL, text=text)
    if disk.has_protection:
        hint = "format it without (sg_format --fmtpinfo=0)"
        text = "is formatted with protection information (DIF), which ZFS cannot use"
        yield Reason(code=Code.DIF_FORMATTED, text=text, hint=hint)
    if disk.is_zoned:
        yield Reason(code=Code.ZONED, text="is host-managed shingled (SMR), which ZFS cannot write")
    if disk.health is not None and disk.health.verdict is Verdict.FAILED:
        yield Reason(code=Code.SMART_FAILED, text="says itself that it fails (SMART)", hint="replace it")


def _identity(disk: Disk) -> Iterator[Reason]:
    if not disk.serial and not disk.wwn:
        yield Reason(code=Code.NO_SERIAL, text="tells neither a serial nor a world-wide name")
    if not disk.name:
        yield Reason(code=Code.NO_NAME, text="has no lasting name in /dev/disk/by-id")
    if disk.shares_serial:
        yield Reason(
            code=Code.DUPLICATE_SERIAL, text=f"has the serial {disk.serial}, which another disk has as well",
            hint="a USB bridge may invent it; name the disk under `--same-serial` if it is the right one",
            override=Override.SAME_SERIAL,
        )  # fmt: skip


def _kernel(disk: Disk) -> Iterator[Reason]:
    """The last word is the kernel's: it knows of uses that leave no trace elsewhere."""
    if disk.is_held:
        yield Reason(code=Code.HELD, text="is in use: the kernel gives nobody else exclusive access")
    if disk.signatures is None or disk.is_held is None:
        yield Reason(code=Code.NOT_READ, text="was not read, so nobody knows what is on it")


_RULES: Final = (_boot, _mounted, _pools, _holders, _data, _fitness, _identity, _kernel)


def _listed(things: list[str]) -> str:
    """At most four of them, in a row."""
    more = f" and {len(things) - 4} more" if len(things) > 4 else ""
    return ", ".join(things[:4]) + more
