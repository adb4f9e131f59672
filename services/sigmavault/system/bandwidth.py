"""Memory bandwidth, measured: the C library searches for a byte that is not there, on several threads.

That reads every byte once with the widest instructions the CPU has, writes nothing, and lets go of Python's
lock: what generation does with a model's weights. Copying would count differently (reads, writes, and with
some CPUs the read before a write).
"""

from __future__ import annotations

import ctypes
import mmap
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sigmavault.core.hardware import Bandwidth
from sigmavault.core.values import MIB

_LEAST_BYTES = 128 * MIB
_MOST_BYTES = 1024 * MIB
_CACHES = 4
"""How many times the last-level caches are read: what they keep is then a small part."""
_MOST_OF_AVAILABLE = 8
_PIECE = 4 * MIB
"""What one call reads; small enough that the clock is looked at often."""
_WINDOWS = 3
_WINDOW_S = 0.12
_PRESENT, _ABSENT = 1, 0


class _Buffer:
    """Memory of its own, written once: pages that were never written are all the same one."""

    def __init__(self, size: int) -> None:
        self._map = mmap.mmap(-1, size)
        self._view = (ctypes.c_char * size).from_buffer(self._map)
        self.size = size
        self.address = ctypes.addressof(self._view)

    def fill(self) -> None:
        ctypes.memset(self.address, _PRESENT, self.size)

    def close(self) -> None:
        del self._view
        self._map.close()


def measure(*, threads: int, cache_bytes: int, available_bytes: int) -> Bandwidth | None:
    """Read memory for about half a second; None where there is too little of it to tell.

    Args:
        threads: how many read at once, each from memory of its own.
        cache_bytes: last-level caches, all together.
        available_bytes: what may be taken without harm; an eighth of it is the most that is.
    """
    began = time.monotonic()
    wanted = min(max(_CACHES * cache_bytes, _LEAST_BYTES), _MOST_BYTES)
    total = min(wanted, available_bytes // _MOST_OF_AVAILABLE)
    each = total // threads // _PIECE * _PIECE
    if each == 0 or total < 2 * cache_bytes:
        return None
    try:
        buffers = [_Buffer(each) for _ in range(threads)]
    except OSError:
        return None
    try:
        _on_threads([buffer.fill for buffer in buffers])
        best = max(_window(buffers) for _ in range(_WINDOWS))
    finally:
        for buffer in buffers:
            buffer.close()
    return Bandwidth(
        read_bytes_s=best, threads=threads, buffer_bytes=each * threads, took_s=time.monotonic() - began
    )


def _window(buffers: Sequence[_Buffer]) -> float:
    """Bytes per second of all threads together in one short time."""
    search = ctypes.CDLL(None).memchr
    search.argtypes, search.restype = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t), ctypes.c_void_p
    start, rates = threading.Barrier(len(buffers)), [0.0] * len(buffers)

    def read(at: int) -> None:
        buffer, done = buffers[at], 0
        start.wait()
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < _WINDOW_S:
            search(buffer.address + done % buffer.size, _ABSENT, _PIECE)
            done += _PIECE
        rates[at] = done / elapsed

    _on_threads([partial(read, at) for at in range(len(buffers))])
    return sum(rates)


def _on_threads(work: Iterable[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
