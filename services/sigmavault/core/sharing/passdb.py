"""Samba's own list of users, out of `pdbedit --list --verbose` (pdbedit(8)). Pure.

`--verbose` and never `--smbpasswd-style`: that one prints the hashes of all passwords.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user as Samba has it.

    Attributes:
        enabled: whether the user may log in.
        has_password: whether there is one.
    """

    enabled: bool
    has_password: bool


def parse_pdbedit(text: str) -> Mapping[str, Login]:
    """User → login."""
    found: dict[str, Login] = {}
    name = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "Unix username":
            name = value.strip()
        elif key == "Account Flags" and name:
            flags = value.strip().strip("[]")
            found[name] = Login(enabled="D" not in flags, has_password="N" not in flags)
    return found
