"""How two images differ: `make compare A=build/out/x.iso B=build/out/y.iso`.

Bytes first. For two ISOs also the files of their root trees: content, mode, owner, time. That needs
room for one unpacked tree (3 GB) in the cache and root, for owners and device nodes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from scripts.errors import BuildError
from scripts.report.tree import sha256
from scripts.session import Session
from scripts.stages.unpack import unpacked

_BLOCK = 1 << 22
_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteDifference:
    """How two files differ.

    Attributes:
        sizes: of both, in bytes.
        differing: bytes at the same offset that differ; of the longer file, all that the other lacks.
        first: offset of the first differing byte, or None.
    """

    sizes: tuple[int, int]
    differing: int
    first: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a root tree.

    Attributes:
        kind: letter as in `ls -l`.
        content: hash of a file, target of a link, numbers of a device.
        mode: permission bits.
        owner: user and group number.
        mtime: seconds since 1970.
    """

    kind: str
    content: str
    mode: int
    owner: tuple[int, int]
    mtime: int


def compare_bytes(one: Path, other: Path) -> ByteDifference:
    """Count the differing bytes of two files."""
    sizes = (one.stat().st_size, other.stat().st_size)
    differing, first, offset = abs(sizes[0] - sizes[1]), None, 0
    with one.open("rb") as left, other.open("rb") as right:
        while (a := left.read(_BLOCK)) and (b := right.read(_BLOCK)):
            if a != b:
                shared = min(len(a), len(b))
                unequal = numpy.frombuffer(a, numpy.uint8, shared) != numpy.frombuffer(b, numpy.uint8, shared)
                if first is None and unequal.any():
                    first = offset + int(unequal.argmax())
                differing += int(numpy.count_nonzero(unequal))
            offset += _BLOCK
    if first is None and sizes[0] != sizes[1]:
        first = min(sizes)
    return ByteDifference(sizes=sizes, differing=differing, first=first)


def list_tree(root: Path) -> dict[str, Entry]:
    """Every file, folder and link below `root`, by path."""
    return {os.fspath(path.relative_to(root)): _entry(path) for path in sorted(root.rglob("*"))}


def _entry(path: Path) -> Entry:
    info = path.lstat()
    kind = stat.filemode(info.st_mode)[0]
    content = ""
    if kind == "-":
        content = sha256(path)
    elif kind == "l":
        content = os.fspath(path.readlink())
    elif kind in "bc":
        content = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
    return Entry(
        kind=kind, content=content, mode=stat.S_IMODE(info.st_mode), owner=(info.st_uid, info.st_gid),
        mtime=int(info.st_mtime),
    )  # fmt: skip


def compare_trees(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> dict[str, str]:
    """What differs, by path; only paths that differ."""
    found = {path: _what(one.get(path), other.get(path)) for path in sorted({*one, *other})}
    return {path: what for path, what in found.items() if what}


def _what(a: Entry | None, b: Entry | None) -> str:
    if a is None or b is None:
        return "only in the second" if a is None else "only in the first"
    parts = ("kind", "content", "mode", "owner", "mtime")
    return ", ".join(part for part in parts if getattr(a, part) != getattr(b, part))


def render_comparison(difference: ByteDifference, files: Mapping[str, str] | None) -> Iterator[str]:
    """The lines that a person reads; `files` is None where none were compared."""
    a, b = difference.sizes
    yield f"sizes: {a} and {b} bytes" + (" (the same)" if a == b else f" ({b - a:+d})")
    first = "" if difference.first is None else f", the first at offset {difference.first}"
    yield f"bytes that differ: {difference.differing} of {max(a, b)}{first}"
    if files is None:
        return
    only_time = sum(what == "mtime" for what in files.values())
    yield f"files that differ in the root tree: {len(files)}, of these {only_time} only in their time"
    ordered = sorted(files.items(), key=lambda item: (item[1] == "mtime", item[0]))
    yield from (f"  {path}: {what}" for path, what in ordered[:_SHOWN])
    if len(files) > _SHOWN:
        yield f"  and {len(files) - _SHOWN} more"


def compare(session: Session, names: Sequence[str]) -> int:
    """Compare two images and say how they differ; 0 when they are the same, 1 when not.

    Raises:
        BuildError: an image is missing or cannot be unpacked.
    """
    if len(names) != 2:
        raise BuildError("two images are compared", "make compare A=build/out/one.iso B=build/out/other.iso")
    images = [session.paths.source / name for name in names]
    for path in images:
        if not path.is_file():
            raise BuildError(f"there is no {path.name} at that place", "paths are relative to the checkout")
    difference = compare_bytes(images[0], images[1])
    files: dict[str, str] | None = None
    if difference.first is not None and all(path.suffix == ".iso" for path in images):
        files = compare_trees(*(_root_tree(session, path) for path in images))
    for line in render_comparison(difference, files):
        session.progress.say(line)
    return 0 if difference.first is None else 1


def _root_tree(session: Session, iso: Path) -> dict[str, Entry]:
    with unpacked(session, iso) as root:
        return list_tree(root)
