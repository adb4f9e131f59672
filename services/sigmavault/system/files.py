"""Small files of the kernel."""

from __future__ import annotations

from pathlib import Path


def read_or_empty(path: Path) -> str:
    """The file's text; empty where it is hidden by a sandbox, or this kernel has none."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
