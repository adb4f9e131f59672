from __future__ import annotations

import pytest
from sigmavault.core.values import GIB, MIB, format_bytes, format_duration


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1024, "1.00 KiB"),
        (98_362_432, "93.8 MiB"),
        (600 * MIB, "600 MiB"),
        (3 * GIB // 2, "1.50 GiB"),
        (-2 * GIB, "-2.00 GiB"),
        (5 * 1024**4, "5.00 TiB"),
    ],
)
def test_format_bytes(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0125, "12 ms"), (1, "1.0 s"), (59.94, "59.9 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
