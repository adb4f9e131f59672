from __future__ import annotations

import time

from sigmavault.core.values import GIB, MIB
from sigmavault.system.bandwidth import measure


def test_reading_memory_is_measured_in_less_than_a_second_on_a_quiet_machine() -> None:
    began = time.monotonic()
    found = measure(threads=2, cache_bytes=8 * MIB, available_bytes=2 * GIB)
    assert found is not None
    assert found.buffer_bytes == 128 * MIB
    # no memory that Debian 13 runs on is slower or faster than this
    assert 1e8 < found.read_bytes_s < 2e12
    assert 0 < found.took_s <= time.monotonic() - began


def test_no_more_than_an_eighth_of_what_is_available_is_taken() -> None:
    found = measure(threads=1, cache_bytes=4 * MIB, available_bytes=512 * MIB)
    assert found is not None
    assert found.buffer_bytes == 64 * MIB


def test_what_fits_into_the_cache_tells_nothing_of_memory() -> None:
    assert measure(threads=1, cache_bytes=32 * MIB, available_bytes=256 * MIB) is None
    assert measure(threads=8, cache_bytes=0, available_bytes=64 * MIB) is None
