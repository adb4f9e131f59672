"""How a program ended: a value, so that pure code can speak of it. `system.run` starts programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a program ended.

    Attributes:
        argv: the command.
        status: exit code; negative: ended by that signal.
        stdout: its output.
        stderr: its complaints.
        duration_s: how long it ran.
    """

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    duration_s: float
