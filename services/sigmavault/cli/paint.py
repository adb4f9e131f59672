"""Colours of the terminal."""

from __future__ import annotations

from dataclasses import dataclass

_GOOD = "32"
_BAD = "31"
_DIM = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """Colours, or none when the output is no terminal."""

    is_on: bool

    def good(self, text: str) -> str:
        """Something that is as it should be."""
        return self._paint(_GOOD, text)

    def bad(self, text: str) -> str:
        """Something that somebody should look at."""
        return self._paint(_BAD, text)

    def dim(self, text: str) -> str:
        """A remark."""
        return self._paint(_DIM, text)

    def mark(self, text: str, *, good: bool) -> str:
        """`good` or `bad`, whichever it is."""
        return self.good(text) if good else self.bad(text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on else text
