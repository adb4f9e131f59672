"""What the governor sees: counters as the kernel and systemd have them, and their rates between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

RESOURCES = ("cpu", "io", "memory")


class Scan(StrEnum):
    """What the pools are busy with by themselves; the one that needs them most."""

    NONE = "none"
    SCRUB = "scrub"
    RESILVER = "resilver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """Time in which at least one task had to wait, since the start, in microseconds (`some … total=`).

    Source: the kernel's Documentation/accounting/psi.rst.
    """

    cpu: int
    io: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """The ZFS cache, in bytes (`size`, `c_min`, `c_max` of arcstats)."""

    size: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One look; what cannot be read is None, never 0.

    Attributes:
        at: seconds of a clock that never jumps.
        smb_bytes: over the network to and from Samba, as systemd accounts it.
        smb_cpu_us: CPU time of Samba's processes, microseconds.
        nfs_bytes: read and written by the NFS server.
        nfs_calls: RPC calls that it has got.
        cpu_us: CPU time of all CPUs, idle time too; in any unit.
        idle_us: … of which nobody needed any; in the same unit.
        machine: stalls of the whole machine.
        files: … of file serving.
        model: … of the model.
        model_cpu_us: CPU time of the model, microseconds.
        arc: None without ZFS.
        scan: what the pools do.
    """

    at: float
    smb_bytes: int | None = None
    smb_cpu_us: int | None = None
    nfs_bytes: int | None = None
    nfs_calls: int | None = None
    cpu_us: int | None = None
    idle_us: int | None = None
    machine: Stalls | None = None
    files: Stalls | None = None
    model: Stalls | None = None
    model_cpu_us: int | None = None
    arc: Arc | None = None
    scan: Scan = Scan.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Part of the time, 0 to 1, in which at least one task had to wait."""

    cpu: float
    io: float
    memory: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What happened between two looks; None where it could not be told.

    Attributes:
        at: of the later look.
        smb_bytes_per_s: to and from Samba.
        smb_cpu: CPUs that Samba kept busy; 1 is one core.
        nfs_bytes_per_s: read and written by the NFS server.
        nfs_calls_per_s: RPC calls.
        idle: part of all CPU time that nobody needed, 0 to 1.
        machine: pressure on the whole machine.
        files: … on file serving.
        model: … on the model; its own quota is most of it.
        model_cpu: CPUs that the model kept busy.
        arc: as it is now.
        scan: what the pools do now.
    """

    at: float
    smb_bytes_per_s: float | None = None
    smb_cpu: float | None = None
    nfs_bytes_per_s: float | None = None
    nfs_calls_per_s: float | None = None
    idle: float | None = None
    machine: Pressure | None = None
    files: Pressure | None = None
    model: Pressure | None = None
    model_cpu: float | None = None
    arc: Arc | None = None
    scan: Scan = Scan.NONE


def compare(before: Counters, now: Counters) -> Seen:
    """Rates between two looks; a counter that went back (its service was restarted) tells nothing."""
    elapsed_s = now.at - before.at

    def rate(was: int | None, is_now: int | None) -> float | None:
        if was is None or is_now is None or is_now < was or elapsed_s <= 0:
            return None
        return (is_now - was) / elapsed_s

    def pressure(was: Stalls | None, is_now: Stalls | None) -> Pressure | None:
        if was is None or is_now is None:
            return None
        parts = [rate(getattr(was, each), getattr(is_now, each)) for each in RESOURCES]
        shares = [min(1.0, each / 1e6) for each in parts if each is not None]
        return Pressure(cpu=shares[0], io=shares[1], memory=shares[2]) if len(shares) == 3 else None

    def cpus(was: int | None, is_now: int | None) -> float | None:
        used_us = rate(was, is_now)
        return None if used_us is None else used_us / 1e6

    all_cpu, idle = rate(before.cpu_us, now.cpu_us), rate(before.idle_us, now.idle_us)
    return Seen(
        at=now.at,
        smb_bytes_per_s=rate(before.smb_bytes, now.smb_bytes),
        smb_cpu=cpus(before.smb_cpu_us, now.smb_cpu_us),
        nfs_bytes_per_s=rate(before.nfs_bytes, now.nfs_bytes),
        nfs_calls_per_s=rate(before.nfs_calls, now.nfs_calls),
        idle=min(1.0, idle / all_cpu) if all_cpu and idle is not None else None,
        machine=pressure(before.machine, now.machine),
        files=pressure(before.files, now.files),
        model=pressure(before.model, now.model),
        model_cpu=cpus(before.model_cpu_us, now.model_cpu_us),
        arc=now.arc,
        scan=now.scan,
    )


def parse_pressure(text: str) -> int | None:
    """Microseconds of `some … total=` out of a pressure file (psi.rst); None where it is none."""
    for line in text.splitlines():
        if line.startswith("some "):
            values = dict(each.split("=", 1) for each in line.split() if "=" in each)
            return int(values["total"]) if values.get("total", "").isdecimal() else None
    return None


def stalls(texts: Mapping[str, str]) -> Stalls | None:
    """The stalls out of pressure files by resource; None where the kernel does not count them."""
    totals = {each: parse_pressure(texts.get(each, "")) for each in RESOURCES}
    cpu, io, memory = (totals[each] for each in RESOURCES)
    if cpu is None or io is None or memory is None:
        return None
    return Stalls(cpu=cpu, io=io, memory=memory)


def parse_cpu_stat(text: str) -> int | None:
    """`usage_usec` of a group's `cpu.stat` (cgroup-v2.rst)."""
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "usage_usec" and value.isdecimal():
            return int(value)
    return None


def parse_proc_stat(text: str) -> tuple[int, int] | None:
    """CPU time of all CPUs and what of it was idle, in ticks, out of /proc/stat (proc_stat(5)).

    Waiting for disks is idle: the CPU was free. Guests are counted in `user` already.
    """
    fields = text.partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return None
    ticks = [int(each) for each in fields[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def parse_nfsd(text: str) -> tuple[int, int] | None:
    """Bytes (read and written) and RPC calls out of /proc/net/rpc/nfsd; None where no server runs.

    Source: nfsd_show in the kernel's fs/nfsd/stats.c: `io <read> <written>`, `rpc <calls> <bad> …`.
    """
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    io, rpc = lines.get("io", []), lines.get("rpc", [])
    if len(io) < 2 or not rpc:
        return None
    return int(io[0]) + int(io[1]), int(rpc[0])


def parse_arcstats(text: str) -> Arc | None:
    """The ARC out of arcstats (`name type data` lines); None where it tells nothing."""
    rows = (line.split() for line in text.splitlines())
    found = {row[0]: int(row[2]) for row in rows if len(row) == 3 and row[2].isdecimal()}
    if not {"size", "c_min", "c_max"} <= found.keys():
        return None
    return Arc(size=found["size"], least=found["c_min"], most=found["c_max"])
