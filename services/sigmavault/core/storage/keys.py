"""Keys of encrypted datasets: what a passphrase may be, where key files lie. Pure.

A key file lies on the machine itself, so it protects disks that leave the machine, and nothing else; a
passphrase has to be typed after each start. Limits: zfsprops(7), `keyformat`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from sigmavault.core.errors import InvalidRequestError

SHORTEST: Final = 8
LONGEST: Final = 512
PASSPHRASE: Final = "passphrase"  # noqa: S105 - its name
"""Name of the secret, and of ZFS's own `keyformat`."""
NEW_PASSPHRASE: Final = "new-passphrase"  # noqa: S105 - its name
"""Name of the secret where it is chosen: it is asked for twice."""
KEY_BYTES: Final = 32

FOLDER: Final = "etc/sigmavault/keys"
"""Below the root of the machine; its files are named after datasets, and never removed: an old copy of the
data may need them."""
_URI: Final = "file:///"
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Encryption(StrEnum):
    """How a new dataset is encrypted."""

    AS_PARENT = "as-parent"
    """With the key of the dataset above, if that is encrypted."""
    PASSPHRASE = "passphrase"  # noqa: S105 - its name
    """With a passphrase that a person types."""
    KEY_FILE = "key-file"
    """With a key that this machine makes and keeps."""


KEY_FILE_WARNING: Final = (
    "The key lies on this machine: it protects disks that leave it, not the machine itself."
    " Without the key the data is lost: export it (`sigmavault key export`)."
)


class Keeping(StrEnum):
    """Who keeps a key."""

    PERSON = "person"
    """It is a passphrase, or typed."""
    MACHINE = "machine"
    """It lies in our folder."""
    ELSEWHERE = "elsewhere"
    """In a file or at an address that somebody else has chosen."""


def keeping(key_format: str, key_location: str) -> Keeping:
    """Who keeps a key, by its `keyformat` and `keylocation`."""
    if key_location == "prompt":
        return Keeping.PERSON
    return Keeping.MACHINE if key_format == "hex" and file_of(key_location) else Keeping.ELSEWHERE


def require_passphrase(text: str, param: str = PASSPHRASE) -> str:
    """A passphrase as it was typed; `param` is the name of the secret.

    Raises:
        InvalidRequestError: it cannot be one; the message does not hold it.
    """
    if not SHORTEST <= len(text.encode()) <= LONGEST:
        raise InvalidRequestError(
            f"a passphrase has {SHORTEST} to {LONGEST} bytes, this one {len(text.encode())}", param=param
        )
    # ZFS reads one line: of two, the second would be no part of it
    if any(each in text for each in "\n\r\0"):
        raise InvalidRequestError("a passphrase has one line, without zeros", param=param)
    return text


def file_name(dataset: str, number: int) -> str:
    """The file of a dataset's key; `number` tells apart those of one name, from 1 on."""
    later = f"-{number}" if number > 1 else ""
    # `%` stands in no name of a dataset
    return f"{dataset.replace('/', '%')}{later}.key"


def location(file: str) -> str:
    """The `keylocation` of a file in our folder."""
    return f"{_URI}{FOLDER}/{file}"


def file_of(key_location: str) -> str:
    """The file in our folder that a `keylocation` names; empty for any other."""
    start = location("")
    name = key_location.removeprefix(start)
    return name if key_location.startswith(start) and name and "/" not in name else ""


def require_key(text: str) -> str:
    """The content of a key file, hexadecimal.

    Raises:
        InvalidRequestError: it is none; the message does not hold it.
    """
    if not _HEX.fullmatch(text):
        raise InvalidRequestError(f"a key file holds {2 * KEY_BYTES} hexadecimal digits and nothing else")
    return text
