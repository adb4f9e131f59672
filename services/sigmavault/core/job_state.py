"""How a job can be doing."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """How a job is doing."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The daemon died meanwhile, and the real state does not tell how it ended."""
