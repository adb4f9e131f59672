"""What every step of a build needs: where things lie, how to run programs, what to show."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import Runner
from scripts.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One command of the orchestrator.

    Attributes:
        paths: folders.
        runner: runs programs.
        progress: what the person sees.
        mirror: package archive.
        epoch: SOURCE_DATE_EPOCH, seconds since 1970.
    """

    paths: Paths
    runner: Runner
    progress: Progress
    mirror: Mirror
    epoch: int
