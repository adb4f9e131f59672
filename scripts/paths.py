"""Where everything lies, inside the tools tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Folders of one build.

    Attributes:
        source: the checkout.
        cache: what is kept between builds, by content.
        build: rendered trees, logs and finished images of this checkout.
    """

    source: Path
    cache: Path
    build: Path

    @property
    def work(self) -> Path:
        """Scratch of this build; on the cache's disk, emptied before and after use."""
        return self.cache / "work"

    @property
    def out(self) -> Path:
        """Finished images and what lies beside them."""
        return self.build / "out"

    @property
    def logs(self) -> Path:
        """Full output of each command."""
        return self.build / "log"
