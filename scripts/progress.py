"""What a person sees of a build: one line a step, with time and what came from the cache."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

_COUNTERS = (
    re.compile(r"\[\s*(?P<percent>\d{1,3})%\]"),  # cmake, pip
    re.compile(r"^\[(?P<done>\d+)/(?P<total>\d+)\]"),  # ninja
    re.compile(r"\s(?P<percent>\d{1,3})%\s*$"),  # mksquashfs, xorriso
    re.compile(r"xorriso : UPDATE :\s+(?P<percent>[\d.]+)% done"),
)
_PACKAGE = re.compile(r"^Setting up (?P<package>\S+)")


@dataclass(slots=True)
class Progress:
    """Steps of one command.

    Attributes:
        out: where to write; a terminal gets a moving line, anything else plain lines.
        detail: how far the running step has come, as its programs say; empty where they say nothing.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    detail: str = ""
    _started: float = field(default_factory=time.monotonic)
    _packages: int = 0

    @property
    def live(self) -> bool:
        """Whether the line can be redrawn."""
        return self.out.isatty()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show a step while it runs, and how long it took."""
        begun, self.detail, self._packages = time.monotonic(), "", 0
        stop = threading.Event()
        painter = threading.Thread(target=self._paint, args=(title, begun, stop), daemon=True)
        if self.live:
            painter.start()
        else:
            self._write(f"[{self._elapsed()}] {title} …\n")
        try:
            yield
        except BaseException:
            self._end(stop, painter, f"✗ {title}  {_clock(time.monotonic() - begun)}")
            raise
        self._end(stop, painter, f"✓ {title}  {_clock(time.monotonic() - begun)}")

    def cached(self, title: str) -> None:
        """Show a step that the cache made unnecessary."""
        self._write(f"[{self._elapsed()}] ✓ {title}  from the cache\n")

    def say(self, text: str) -> None:
        """Show one line of information."""
        self._write(f"{text}\n")

    def watch(self, line: str) -> None:
        """Take a line of a program's output as a sign of progress."""
        if match := _PACKAGE.match(line):
            self._packages += 1
            self.detail = f"{self._packages} packages set up ({match['package']})"
            return
        for pattern in _COUNTERS:
            if match := pattern.search(line):
                found = match.groupdict()
                percent = found.get("percent")
                self.detail = f"{percent} %" if percent else f"{found['done']} of {found['total']}"
                return

    def _paint(self, title: str, begun: float, stop: threading.Event) -> None:
        while not stop.wait(0.5):
            detail = f"  {self.detail}" if self.detail else ""
            text = f"[{self._elapsed()}] … {title}  {_clock(time.monotonic() - begun)}{detail}"
            # A line that wraps could not be redrawn.
            self._write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")

    def _end(self, stop: threading.Event, painter: threading.Thread, text: str) -> None:
        stop.set()
        if self.live:
            painter.join()
            self._write("\r\x1b[K")
        self._write(f"[{self._elapsed()}] {text}\n")

    def _elapsed(self) -> str:
        return _clock(time.monotonic() - self._started)

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()


def _clock(seconds: float) -> str:
    """Minutes and seconds, such as `3:07`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
