"""What testparm(1) thinks of a configuration: anything but its usual words is an error. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sigmavault.core.errors import ConfigError
from sigmavault.core.process import Result
from sigmavault.core.sharing.smb_conf import sections

_USUAL: Final = (
    "Load smb config files from ",
    "Loaded services file OK.",
    "NOTE: Service ",  # "… is flagged unavailable."
    "Server role: ROLE_STANDALONE",
    "Weak crypto is allowed by GnuTLS (e.g. NTLM as a compatibility fallback)",
    "rlimit_max: increasing rlimit_max ",
)
"""What Samba 4.22 says on stderr about a configuration that is right."""


def judge(result: Result, expected: Iterable[str]) -> str:
    """The configuration as Samba reads it.

    Args:
        result: how `testparm --suppress-prompt` ended.
        expected: names of all sections that there have to be, beside [global].

    Raises:
        ConfigError: it complains about anything at all, or reads other sections than were written.
    """
    said = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    if odd := [line for line in said if not line.startswith(_USUAL)]:
        raise ConfigError(f"Samba does not accept the configuration: {odd[0]}")
    if result.status != 0:
        raise ConfigError(f"Samba does not accept the configuration: testparm ended with {result.status}")
    read, written = sorted(each.lower() for each in sections(result.stdout)), sorted(map(str.lower, expected))
    if read != written:
        raise ConfigError(f"Samba reads the shares {', '.join(read)} where {', '.join(written)} were written")
    return result.stdout


def one_section(text: str, name: str) -> str:
    """The part of a share in what testparm printed; empty when it is not there."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            found = [line] if line.lower() == f"[{name.lower()}]" else found
            is_inside = line.lower() == f"[{name.lower()}]"
        elif found and is_inside and line.strip():
            found.append(line)
    return "\n".join(found)
