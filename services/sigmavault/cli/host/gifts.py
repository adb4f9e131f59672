"""What only the caller is told, such as an exported key: into a new file, or shown at the terminal once.

It comes back in files in memory that went to the daemon empty; it is in no message of the bus.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sigmavault.cli.plain_text import plain
from sigmavault.core.errors import InvalidRequestError

LONGEST: Final = 64 * 1024


def parse_places(saves: Sequence[str]) -> dict[str, Path]:
    """Name → file, as it was said on the command line.

    Raises:
        InvalidRequestError: not `NAME=PATH`.
    """
    found: dict[str, Path] = {}
    for each in saves:
        name, sign, path = each.partition("=")
        if not sign or not name or not path:
            raise InvalidRequestError(f"--save takes NAME=PATH, not {each[:80]!r}")
        found[name] = Path(path)
    return found


@contextlib.contextmanager
def places(names: Sequence[str], saves: Mapping[str, Path], *, shows: bool) -> Iterator[dict[str, int]]:
    """An empty file in memory for each; what is in it at the end is saved, or shown.

    Args:
        names: what the plan gives.
        saves: where to.
        shows: whether there is a person at a terminal to show it to.

    Raises:
        InvalidRequestError: there is no place for one of them; told before anything is done.
    """
    if strangers := sorted(set(saves) - set(names)):
        raise InvalidRequestError(f"nothing of the name {strangers[0][:40]!r} is given here")
    if not shows and (lost := [name for name in names if name not in saves]):
        raise InvalidRequestError(f"there is no place for {lost[0]}", hint=f"--save {lost[0]}=PATH names one")
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context(_new_file(saves[name])) for name in names if name in saves}
        memory = {name: os.memfd_create("sigmavault-secret", os.MFD_CLOEXEC) for name in names}
        for descriptor in memory.values():
            stack.callback(os.close, descriptor)
        yield memory
        for name, descriptor in memory.items():
            _deliver(name, os.pread(descriptor, LONGEST, 0), files.get(name))


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[int]:
    """A file that was not there, for its owner only; gone again when nothing came."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be made: {error.strerror}") from error
    try:
        yield descriptor
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _deliver(name: str, value: bytes, file: int | None) -> None:
    if file is not None:
        os.write(file, value)
        os.fsync(file)
    else:
        sys.stdout.write(f"{name}: {plain(value.decode(errors='replace'))}\n")
