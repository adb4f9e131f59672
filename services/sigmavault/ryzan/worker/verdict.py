"""What guessing has brought on this machine, as measured once, and kept in a file for each pair.

A pair is a model and what guesses for it; another file, thread count or CPU is another pair. The file also
counts attempts that ended with the process: what ended it twice is not tried a third time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

LEAST_GAIN = 1.1
"""Less is within what a measurement errs, and a long answer may gain less than a short trial."""

ALONE = "alone"
"""The model without guesses."""

MOST_ATTEMPTS = 2

_MOST_FILES = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured.

    Attributes:
        rates: tokens per second by what guesses, `ALONE` among them.
        gains: speed beside `ALONE`, by what guesses.
    """

    rates: Mapping[str, float]
    gains: Mapping[str, float]

    @property
    def best(self) -> str:
        """What is worth using; `ALONE` when nothing is."""
        best = max(self.gains, key=lambda each: self.gains[each], default=ALONE)
        return best if self.gains.get(best, 0.0) >= LEAST_GAIN else ALONE

    def spell(self) -> str:
        """For people: `on: 1.3x by prompt lookup`."""
        if self.best != ALONE:
            return f"on: {self.gains[self.best]:.2f}x by {self.best}"
        told = ", ".join(f"{gain:.2f}x by {kind}" for kind, gain in sorted(self.gains.items()))
        return f"no gain: {told}"


def judge(runs: Mapping[str, list[float]]) -> Verdict:
    """The verdict on tokens per second of the same prompts, in the same order for each that guesses.

    The gain is the geometric mean over the prompts: none outweighs the others by being fast.
    """
    alone = runs[ALONE]
    gains = {
        kind: math.exp(
            sum(math.log(one / other) for one, other in zip(rates, alone, strict=True)) / len(alone)
        )
        for kind, rates in runs.items()
        if kind != ALONE
    }
    return Verdict(
        {kind: len(rates) / sum(1 / each for each in rates) for kind, rates in runs.items()}, gains
    )


class Verdicts:
    """The verdicts of all pairs, in one folder; None: they are forgotten with the process."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, key: str) -> Verdict | int:
        """The verdict on a pair, or how many attempts to get one have ended with the process."""
        try:
            found = json.loads((self._folder / f"{key}.json").read_text()) if self._folder else {}
            if "gains" in found:
                return Verdict(_figures(found["rates"]), _figures(found["gains"]))
            return int(found.get("attempts", 0))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return 0

    def keep(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict."""
        self._write(key, {"rates": dict(verdict.rates), "gains": dict(verdict.gains)})

    def attempt(self, key: str, number: int) -> None:
        """An attempt begins (its number), or was given up without harm (the number before)."""
        self._write(key, {"attempts": number})

    def _write(self, key: str, content: Mapping[str, object]) -> None:
        if self._folder is None:
            return
        fresh = self._folder / f"{key}.new"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            fresh.write_text(json.dumps(content))
            fresh.replace(self._folder / f"{key}.json")
            files = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
            for old in files[:-_MOST_FILES]:
                old.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("what guessing brings is not kept: %s", error.strerror)
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)


def _figures(found: Mapping[str, object]) -> dict[str, float]:
    figures = {str(kind): float(str(value)) for kind, value in found.items()}
    if not all(math.isfinite(each) and each > 0 for each in figures.values()):
        raise ValueError("no rate")
    return figures
