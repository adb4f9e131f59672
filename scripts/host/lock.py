"""One build at a time: the second waits and says for whom.

A lock is held with flock(2) by an inherited file descriptor, so it ends with the last process of the
build, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from scripts.host.enter import move_up


def hold(path: Path, purpose: str) -> int:
    """Take the lock at `path` for this process and its children, waiting if need be.

    Returns:
        The descriptor that holds it; closing it gives the lock back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 400, 0).decode(errors="replace").strip() or "another build"
        sys.stderr.write(f"waiting for {holder} to finish …\n")
        sys.stderr.flush()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{purpose} (process {os.getpid()})\n".encode(), 0)
    return move_up(descriptor)
