"""What a simulated machine is described by: a YAML file, checked whole.

A pool names its disks; a disk says what else holds it. Sizes are bytes, temperatures degrees Celsius.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from sigmavault.core.checking import Checked, refusal
from sigmavault.core.errors import ConfigError
from sigmavault.core.names import ChildName, DiskName, NewPoolName, SnapshotTag
from sigmavault.system.yaml_file import read_yaml

type Transport = Literal["sata", "nvme", "sas", "usb", "virtio"]
type VdevKind = Literal["disk", "mirror", "raidz1", "raidz2", "raidz3"]
type DeviceState = Literal["ONLINE", "DEGRADED", "FAULTED", "OFFLINE", "REMOVED", "UNAVAIL"]


class Partition(Checked):
    """A part of a disk, or all of it.

    Attributes:
        size_bytes: of the part.
        filesystem: as blkid(8) calls it: `ext4`, `ntfs`, `swap`, `crypto_LUKS`, `zfs_member`, …
        label: of the file system; of a `zfs_member` the name of its pool.
        mounted: where; empty for nowhere, `[SWAP]` for swap in use.
    """

    size_bytes: Annotated[int, Field(gt=0)]
    filesystem: str = ""
    label: str = ""
    mounted: str = ""


class SimulatedDisk(Checked):
    """A disk.

    Attributes:
        name: in /dev/disk/by-id.
        smart: what it says of itself; `unsupported` as behind some USB bridges.
        temperature_c: None when it does not tell.
        unreadable: it answers nothing any more, as when it was pulled out.
    """

    name: DiskName
    serial: str
    model: str
    size_bytes: Annotated[int, Field(gt=0)]
    rotational: bool = True
    transport: Transport = "sata"
    removable: bool = False
    read_only: bool = False
    smart: Literal["passed", "failed", "unsupported"] = "passed"
    temperature_c: Annotated[int, Field(ge=-40, le=150)] | None = None
    power_on_hours: Annotated[int, Field(ge=0)] = 0
    partitions: tuple[Partition, ...] = ()


class SimulatedVdev(Checked):
    """A top-level vdev."""

    kind: VdevKind
    disks: tuple[DiskName, ...] = Field(min_length=1)
    states: dict[DiskName, DeviceState] = Field(default_factory=dict)
    """Of disks that are not ONLINE."""


class SimulatedDataset(Checked):
    """A dataset below a pool's root."""

    name: ChildName
    used_bytes: Annotated[int, Field(ge=0)] = 0
    quota_bytes: Annotated[int, Field(ge=0)] = 0
    encrypted: bool = False
    key_loaded: bool = True
    properties: dict[str, str] = Field(default_factory=dict)
    snapshots: tuple[SnapshotTag, ...] = ()


class SimulatedPool(Checked):
    """A pool.

    Attributes:
        imported: whether it is; the labels of one that is not lie on its disks all the same.
    """

    name: NewPoolName
    data: tuple[SimulatedVdev, ...] = Field(min_length=1)
    spares: tuple[DiskName, ...] = ()
    log: tuple[SimulatedVdev, ...] = ()
    cache: tuple[DiskName, ...] = ()
    special: tuple[SimulatedVdev, ...] = ()
    datasets: tuple[SimulatedDataset, ...] = ()
    used_bytes: Annotated[int, Field(ge=0)] = 0
    imported: bool = True


class Description(Checked):
    """A machine."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=63)]
    about: str
    disks: tuple[SimulatedDisk, ...]
    pools: tuple[SimulatedPool, ...] = ()


def read_description(path: Path) -> Description:
    """Read a file.

    Raises:
        ConfigError: it is not there, or something in it cannot be.
    """
    data = read_yaml(path)
    try:
        # by way of JSON: its lists are tuples
        found = Description.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise refusal(error, data, str(path), {}) from error
    names = {disk.name for disk in found.disks}
    for pool in found.pools:
        vdevs = (*pool.data, *pool.log, *pool.special)
        used = [disk for vdev in vdevs for disk in vdev.disks] + [*pool.spares, *pool.cache]
        if missing := sorted(set(used) - names):
            raise ConfigError(f"{path}: pool {pool.name}: there is no disk {missing[0]}")
    return found
