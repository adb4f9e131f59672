"""API keys: who may ask over TCP, when an owner wants that to be limited."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from pathlib import Path

from sigmavault.core.errors import ConfigError

_HASHED = re.compile(r"sha256:[0-9a-f]{64}")
_OTHERS = 0o027
"""Reading by everybody, writing by the group: a file of secrets allows neither."""

_SPACE_LENGTH = 16


class Keys:
    """The keys that are known, as digests.

    Args:
        digests: SHA-256 of each key; none: no key is asked for.
    """

    def __init__(self, digests: Sequence[bytes]) -> None:
        self._digests = tuple(digests)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def space(self, key: str) -> str | None:
        """The name of what the holder of a key shares with nobody else; None: nobody has this key.

        Takes the same time for every wrong key.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        # no any(): it would stop at the first match
        found = sum([hmac.compare_digest(digest, each) for each in self._digests])
        return f"key:{digest.hex()[:_SPACE_LENGTH]}" if found else None


def read_keys(file: str) -> Keys:
    """The keys of a file: one a line, as it is or as `sha256:` and 64 hexadecimal digits.

    Args:
        file: its path; empty: no key is asked for.

    Raises:
        ConfigError: it cannot be read, others may read it, or it has no key. Never tells a key.
    """
    if not file:
        return Keys(())
    try:
        with Path(file).open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            lines = opened.read().splitlines()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8 text") from None
    if mode & _OTHERS:
        raise ConfigError(f"{file}: others than its owner and group may read it", f"chmod 600 {file}")
    found = [line.strip() for line in lines]
    keys = [_digest(line, f"{file}:{at}") for at, line in enumerate(found, 1) if line and line[0] != "#"]
    if not keys:
        raise ConfigError(f"{file}: has no key")
    return Keys(keys)


def _digest(line: str, place: str) -> bytes:
    if _HASHED.fullmatch(line):
        return bytes.fromhex(line.removeprefix("sha256:"))
    if line.startswith("sha256:"):
        raise ConfigError(f"{place}: must be 64 hexadecimal digits, in lower case, after sha256:")
    if not line.isascii() or not line.isprintable() or " " in line:
        raise ConfigError(f"{place}: a key is printable ASCII without spaces")
    return hashlib.sha256(line.encode()).digest()
