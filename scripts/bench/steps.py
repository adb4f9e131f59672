"""What a build prints when no terminal looks, as figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_STEP = re.compile(r"^\[\d+:\d\d\] ✓ (?P<title>.+?)  (?P<time>\d+:\d\d|from the cache)$")
_TOOLS = re.compile(r"^✓ (?P<title>Tools tree)  (?P<seconds>\d+) s$")
_IMAGE = "ISO image"
_IMAGE_PART = ("Packages: ", _IMAGE)


def parse_steps(lines: Iterable[str]) -> dict[str, float]:
    """Seconds of each step that a build did, by title; what the cache had is 0."""
    found: dict[str, float] = {}
    for line in lines:
        if match := _STEP.match(line):
            found[match["title"]] = _seconds(match["time"])
        elif match := _TOOLS.match(line):
            found[match["title"]] = float(match["seconds"])
    return found


def until_image(steps: Mapping[str, float]) -> dict[str, float]:
    """Those steps of a whole test run that `make iso` alone does: the ones up to the image."""
    titles = list(steps)
    last = next((number for number, title in enumerate(titles) if title.startswith(_IMAGE)), len(titles) - 1)
    return {title: steps[title] for title in titles[: last + 1]}


def image_part(steps: Mapping[str, float]) -> float:
    """Seconds of what a plain `lb build` does too: packages, overlay, roles, image."""
    return sum(seconds for title, seconds in steps.items() if title.startswith(_IMAGE_PART))


def _seconds(text: str) -> float:
    if ":" not in text:
        return 0.0
    minutes, seconds = text.split(":")
    return int(minutes) * 60.0 + int(seconds)
