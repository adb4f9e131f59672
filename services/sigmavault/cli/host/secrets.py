"""Secrets of a plan: asked without echo or read from a file, handed on as files in memory.

They never stand on a command line, in the environment or in a message of the bus.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.values import capital

LONGEST: Final = 64 * 1024
"""Bytes of a secret: a key file is shorter, a wrong file is often longer."""
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a plan needs.

    Attributes:
        names: of the secrets.
        meanings: what each is, for the person who is asked.
        known: those that are in use already; any other is chosen now, and asked for twice.
    """

    names: Sequence[str]
    meanings: Mapping[str, str]
    known: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where secrets come from when nobody is asked.

    Attributes:
        files: name → file.
        stdin: the one that comes from the standard input; empty for none.
    """

    files: Mapping[str, Path]
    stdin: str = ""


def parse_sources(files: Sequence[str], stdin: str) -> Sources:
    """What was said on the command line.

    Raises:
        InvalidRequestError: not `NAME=PATH`, or one name twice.
    """
    found: dict[str, Path] = {}
    for each in files:
        name, sign, path = each.partition("=")
        if not sign or not name or not path:
            raise InvalidRequestError(f"--secret-file takes NAME=PATH, not {each[:80]!r}")
        if name in found or name == stdin:
            raise InvalidRequestError(f"the secret {name} is given twice")
        found[name] = Path(path)
    return Sources(files=found, stdin=stdin)


def gather(needs: Needs, sources: Sources, *, ask: bool) -> dict[str, bytes]:
    """The secrets of a plan.

    Args:
        needs: those it needs.
        sources: where they are, as far as that was said.
        ask: whether there is a person at a terminal.

    Raises:
        InvalidRequestError: one is missing, or cannot be one.
    """
    _refuse_strangers({*sources.files, sources.stdin} - {""}, needs.names)
    return {name: _secret(name, needs, sources, ask=ask) for name in needs.names}


def _refuse_strangers(given: Collection[str], names: Sequence[str]) -> None:
    if strangers := sorted(set(given) - set(names)):
        needed = f"it needs {', '.join(names)}" if names else "it needs none"
        raise InvalidRequestError(f"there is no secret {strangers[0][:40]!r} here: {needed}")


def _secret(name: str, needs: Needs, sources: Sources, *, ask: bool) -> bytes:
    meaning = needs.meanings.get(name, name)
    if name in sources.files:
        return _checked(name, _content(sources.files[name]))
    if name == sources.stdin and not sys.stdin.isatty():
        return _checked(name, sys.stdin.buffer.read(LONGEST + 3))
    if not ask:
        raise InvalidRequestError(
            f"it needs a secret, {name}: {meaning}",
            hint=f"--secret-file {name}=PATH or --secret-stdin {name} brings it",
        )
    return _asked(name, meaning, twice=name not in needs.known)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST + 3)
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}") from error


def _asked(name: str, meaning: str, *, twice: bool) -> bytes:
    first = getpass.getpass(f"{capital(meaning)}: ", stream=sys.stderr)
    if twice and getpass.getpass("Once more: ", stream=sys.stderr) != first:
        raise InvalidRequestError("the two are not the same; nothing was done")
    return _checked(name, first.encode())


def _checked(name: str, value: bytes) -> bytes:
    """The secret without the line end that editors and `echo` put behind it."""
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise InvalidRequestError(f"the secret {name} is empty")
    if len(value) > LONGEST:
        raise InvalidRequestError(f"the secret {name} is longer than {LONGEST // 1024} KiB")
    return value


@contextlib.contextmanager
def in_memory(secrets: Mapping[str, bytes]) -> Iterator[dict[str, int]]:
    """Each secret as a descriptor of a sealed file in memory, at its beginning (memfd_create(2))."""
    with contextlib.ExitStack() as stack:
        yield {name: _memory_file(value, stack) for name, value in secrets.items()}


def _memory_file(value: bytes, stack: contextlib.ExitStack) -> int:
    descriptor = os.memfd_create("sigmavault-secret", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, descriptor)
    os.write(descriptor, value)
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor
