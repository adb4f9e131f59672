"""One look at the machine: files of the kernel, and systemd's account of Samba where it has moved at all."""

from __future__ import annotations

import logging
import time
from pathlib import Path, PurePosixPath

from sdbus import SdBus

from sigmavault.core.cgroups import MODEL_SLICE, OWN_SLICE
from sigmavault.core.errors import ServiceUnavailableError
from sigmavault.core.governor.watching import Counters, Scan
from sigmavault.system import pressure, unit_control

FILES_GROUP = PurePosixPath(OWN_SLICE) / "sigmavault-files.slice"
MODEL_GROUP = PurePosixPath(MODEL_SLICE)
SMB_SERVICE = "smbd.service"
_SMB_GROUPS = (FILES_GROUP / SMB_SERVICE, PurePosixPath("system.slice") / SMB_SERVICE)
"""The second on a Debian that was not made from our image."""
_STILL_US = 2_000
"""CPU time of Samba between two looks, below which it has not moved anything worth asking for."""

_log = logging.getLogger(__name__)


class Looker:
    """Looks; remembers Samba's traffic, so that systemd is not asked each second for nothing."""

    def __init__(self, root: Path, bus: SdBus) -> None:
        self._root, self._bus = root, bus
        self._smb: tuple[int, int | None] | None = None
        """CPU time of Samba when systemd was asked, and its answer."""
        self._is_silent = False

    async def look(self, scan: Scan) -> Counters:
        """All counters as they are now."""
        root = self._root
        cpu, nfs = pressure.all_cpu(root), pressure.nfs_server(root)
        smb, smb_cpu_us = self._samba()
        return Counters(
            at=time.monotonic(),
            smb_bytes=await self._smb_bytes(smb_cpu_us),
            smb_cpu_us=smb_cpu_us,
            nfs_bytes=nfs[0] if nfs else None,
            nfs_calls=nfs[1] if nfs else None,
            cpu_us=cpu[0] if cpu else None,
            idle_us=cpu[1] if cpu else None,
            machine=pressure.machine_stalls(root),
            files=pressure.group_stalls(root, FILES_GROUP) or pressure.group_stalls(root, smb),
            model=pressure.group_stalls(root, MODEL_GROUP),
            model_cpu_us=pressure.group_cpu_us(root, MODEL_GROUP),
            arc=pressure.arc(root),
            scan=scan,
        )

    def _samba(self) -> tuple[PurePosixPath, int | None]:
        """The group of Samba, and its CPU time; None while it does not run."""
        for group in _SMB_GROUPS:
            if (cpu_us := pressure.group_cpu_us(self._root, group)) is not None:
                return group, cpu_us
        return _SMB_GROUPS[0], None

    async def _smb_bytes(self, cpu_us: int | None) -> int | None:
        if cpu_us is None:  # Samba does not run
            self._smb = None
            return None
        if self._smb is not None and 0 <= cpu_us - self._smb[0] < _STILL_US:
            return self._smb[1]
        try:
            told = await unit_control.network_bytes(self._bus, SMB_SERVICE)
            self._is_silent = False
        except ServiceUnavailableError as error:
            if not self._is_silent:
                _log.warning("Samba's traffic is not known: %s", error)
            self._is_silent, told = True, None
        self._smb = cpu_us, told
        return told
