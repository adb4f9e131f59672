"""How fast this machine reads memory: what a token costs at least is reading every weight once."""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

_SIZE = 256 << 20
"""Far beyond any cache, for each thread."""


def read_bandwidth(threads: int, rounds: int = 8) -> float:
    """Bytes per second that so many threads read together: the best of several rounds.

    It is the C library's search for a byte that is not there, which reads at full width and writes nothing.
    """
    libc = ctypes.CDLL(None)
    libc.memchr.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    libc.memchr.restype = ctypes.c_void_p
    blocks = [ctypes.create_string_buffer(b"\x01" * _SIZE, _SIZE) for _ in range(threads)]

    def read(block: ctypes.Array[ctypes.c_char]) -> None:
        assert libc.memchr(ctypes.addressof(block), 0, _SIZE) is None

    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            begun = time.monotonic()
            list(pool.map(read, blocks))
            best = max(best, threads * _SIZE / (time.monotonic() - begun))
    return best
