"""Which programs hold files below some folders: read from `/proc` (proc_pid_fd(5)), no program started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.operation import Machine
from sigmavault.core.storage.disks import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A program that keeps a mount busy.

    Attributes:
        name: as it calls itself.
        path: one thing that it holds.
    """

    pid: int
    name: str
    path: str


def holders(machine: Machine, mounts: Sequence[str]) -> tuple[Holder, ...]:
    """The programs that have a file open below one of these places, or stand there; each once.

    A program that we may not look at is passed over: the kernel still refuses to unmount what it holds.
    """
    if not mounts:
        return ()
    processes = (each for each in (machine.root / "proc").iterdir() if each.name.isdecimal())
    found = (_holder(process, mounts) for process in sorted(processes, key=lambda each: int(each.name)))
    return tuple(each for each in found if each is not None)


def _holder(process: Path, mounts: Sequence[str]) -> Holder | None:
    for link in _links(process):
        try:
            path = str(link.readlink())
        except OSError:
            continue
        if any(path == mount or path.startswith(f"{mount}/") for mount in mounts):
            return Holder(pid=int(process.name), name=_name(process), path=shown(path))
    return None


def _links(process: Path) -> Iterator[Path]:
    yield process / "cwd"
    yield process / "root"
    try:
        yield from (process / "fd").iterdir()
    except OSError:  # it has ended, or is not ours to look at
        return


def _name(process: Path) -> str:
    try:
        return shown((process / "comm").read_text(errors="replace"))
    except OSError:
        return "?"
