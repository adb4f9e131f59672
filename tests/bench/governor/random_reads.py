"""A client that reads 4 KiB at random places of a file over SMB, and prints how long each read took as JSON.

    python3 -m tests.bench.governor.random_reads PORT PATH SECONDS     (stdin: user, password, a line each)

smbclient(1) has no such reads; this is the library that it is made of (libsmbclient.h).
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import sys
import time

BLOCK = 4096
_AUTH = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_char_p, *((ctypes.c_void_p, ctypes.c_int) * 3)
)  # server, share; then workgroup, user and password, each with its room


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libsmbclient.so.0", use_errno=True)
    library.smbc_open.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_int)
    library.smbc_lseek.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int)
    library.smbc_lseek.restype = ctypes.c_int64
    library.smbc_read.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
    library.smbc_read.restype = ctypes.c_ssize_t
    return library


def main(port: str, path: str, seconds: float) -> None:
    """Read for so many seconds."""
    user, password = sys.stdin.read().splitlines()
    library = _library()

    @_AUTH
    def log_in(
        _server: bytes, _share: bytes, _group: int, _g: int, name: int, n: int, word: int, w: int
    ) -> None:
        for place, room, text in ((name, n, user), (word, w, password)):
            data = text.encode()[: room - 1] + b"\0"
            ctypes.memmove(place, data, len(data))

    _must(library.smbc_init(log_in, 0))
    file = _must(library.smbc_open(f"smb://127.0.0.1:{port}/{path}".encode(), os.O_RDONLY, 0))
    blocks = _must(library.smbc_lseek(file, 0, os.SEEK_END)) // BLOCK
    buffer, places = ctypes.create_string_buffer(BLOCK), random.Random(1)  # noqa: S311  # no secret
    took = list[float]()
    end = time.monotonic() + seconds
    while (begin := time.monotonic()) < end:
        _must(library.smbc_lseek(file, places.randrange(blocks) * BLOCK, os.SEEK_SET))
        if _must(library.smbc_read(file, buffer, BLOCK)) != BLOCK:
            raise SystemExit("the file ends too early")
        took.append(time.monotonic() - begin)
    json.dump(took, sys.stdout)


def _must(answer: int) -> int:
    if answer < 0:
        raise SystemExit(f"libsmbclient: {os.strerror(ctypes.get_errno())}")
    return answer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
