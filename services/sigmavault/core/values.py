"""Sizes and durations as people read and write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


def format_bytes(size: int) -> str:
    """Three significant digits in binary units: `1.50 GiB`, `98.4 MiB`, `512 B`."""
    for factor, unit in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(size) >= factor:
            value = size / factor
            digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{size} B"


def format_duration(seconds: float) -> str:
    """Two parts at most: `850 ms`, `12.3 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


_QUANTITY: Final = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)")
_SIZES: Final = {
    **{unit: 1024**power for power, letter in enumerate("KMGTP", 1) for unit in (letter, f"{letter}IB")},
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGTP", 1)},
    "": 1, "B": 1,
}  # fmt: skip
_DURATIONS: Final = {
    "": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800,
}  # fmt: skip


def parse_bytes(text: str) -> int:
    """A size as people write it: `4096`, `500G`, `1.5T`, `2TiB` are powers of 1024, `4TB` is of 1000.

    Raises:
        ValueError: it is no size.
    """
    return _quantity(text, text.upper(), _SIZES, "a size such as `500G`, `1.5T`, `2TiB` or `4TB`")


def parse_duration(text: str) -> int:
    """Seconds, as people write them: `90`, `90s`, `5min`, `2h`, `7d`, `4w`.

    Raises:
        ValueError: it is no duration.
    """
    return _quantity(text, text, _DURATIONS, "a duration such as `90`, `5min`, `2h` or `7d`")


def _quantity(text: str, spelled: str, units: dict[str, int], allowed: str) -> int:
    found = _QUANTITY.fullmatch(spelled.strip())
    if found is None or found[2] not in units:
        raise ValueError(f"must be {allowed}, not {text[:40]!r}")
    return int(Decimal(found[1]) * units[found[2]])


def capital(text: str) -> str:
    """With a capital letter at its beginning, and nothing else changed."""
    return f"{text[:1].upper()}{text[1:]}"


def sentence(clause: str) -> str:
    """With a capital letter and a full stop, as daemons do not speak. Nothing stays nothing."""
    return f"{capital(clause).removesuffix('.')}." if clause else ""
