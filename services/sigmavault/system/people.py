"""Who looks after this machine, as far as anybody may know."""

from __future__ import annotations

import grp

_ADMINISTRATORS = "sudo"


def has_administrator() -> bool:
    """Whether anybody but root may become root (Debian: members of the group sudo)."""
    try:
        return bool(grp.getgrnam(_ADMINISTRATORS).gr_mem)
    except KeyError:
        return False
