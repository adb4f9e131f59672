"""A shelf of SCSI disks that are plugged into a running machine, and taken out again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

from tests.vm.machine.errors import GuestError
from tests.vm.machine.machine import Machine
from tests.vm.machine.qemu import SHELF_SLOT
from tests.vm.machine.qmp import QmpError
from tests.vm.machine.timing import retry


class Shelf:
    """A context manager: the disks are gone at its end, with what was written on them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._disks: dict[str, Path] = {}

    def __enter__(self) -> Self:
        self._machine.qmp.execute("device_add", driver="virtio-scsi-pci", id="shelf", bus=SHELF_SLOT)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._machine.is_on:
            return
        for node in list(self._disks):
            self.pull(node)
        self._machine.qmp.execute("device_del", id="shelf")
        self._wait_until_gone("shelf")

    def put(
        self, node: str, *, serial: str = "", size_bytes: int, wwn: int | None = None, read_only: bool = False
    ) -> str:
        """Plug in a blank disk; returns its name in /dev/disk/by-id.

        Args:
            node: its name on our side.
            serial: what it tells; empty: nothing.
            size_bytes: its size.
            wwn: its world-wide name; None: it has none.
            read_only: it cannot be written.

        Raises:
            GuestError: the guest does not find it.
        """
        file = self._machine.files.folder / f"shelf-{node}.raw"
        with file.open("wb") as out:
            out.truncate(size_bytes)
        below = {"driver": "file", "filename": str(file), "read-only": read_only}
        self._machine.qmp.execute(
            "blockdev-add", driver="raw", node_name=node, read_only=read_only, file=below
        )
        told = ({"serial": serial} if serial else {}) | ({"wwn": wwn} if wwn else {})
        self._machine.qmp.execute(
            "device_add", driver="scsi-hd", id=f"shelf-{node}", bus="shelf.0", drive=node, **told
        )
        self._disks[node] = file
        name = f"wwn-0x{wwn:016x}" if wwn else f"scsi-0QEMU_QEMU_HARDDISK_{serial or f'shelf-{node}'}"
        self._machine.wait_until_succeeds("test", "-b", f"/dev/disk/by-id/{name}", timeout_s=20)
        return name

    def pull(self, node: str) -> None:
        """Take a disk out, whatever the guest does with it.

        Raises:
            GuestError: QEMU does not let go of it.
        """
        self._machine.qmp.execute("device_del", id=f"shelf-{node}")
        self._wait_until_gone(f"shelf-{node}")

        def deleted(_last: bool) -> bool:
            with contextlib.suppress(QmpError):
                self._machine.qmp.execute("blockdev-del", node_name=node)
                return True
            return False

        retry(deleted, timeout_s=self._machine.scale.limit(10), what=f"{node} let go")
        self._disks.pop(node).unlink()

    def _wait_until_gone(self, device: str) -> None:
        def gone(last: bool) -> bool:
            try:
                self._machine.qmp.execute("qom-list", path=f"/machine/peripheral/{device}")
            except QmpError:
                return True
            if last:
                raise GuestError(f"{device} is not let go")
            return False

        retry(gone, timeout_s=self._machine.scale.limit(20), what=f"{device} gone")
