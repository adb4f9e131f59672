"""A client that writes over a file by NFS 4, or reads it, and prints how many MB it did per second.

    python3 -m tests.bench.governor.nfs_copy write|read URL BLOCKS     (URL as in libnfs.h; of 256 KiB)

Like the kernel's own client it has several requests under way, and commits what it wrote before it counts
the time. nfs-cp(1) of the same library cannot be used: it writes 1 MiB at once, whatever the server allows,
and nfsd(7) allows 256 KiB in a machine of little memory.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_uint64, c_void_p

BLOCK, UNDER_WAY = 256 * 1024, 4
PATIENCE_MS = 60_000
_DONE = ctypes.CFUNCTYPE(None, c_int, c_void_p, c_void_p, c_void_p)  # bytes or -errno, context, data, ours


class _Url(ctypes.Structure):
    """`struct nfs_url`."""

    _fields_ = (("server", c_char_p), ("path", c_char_p), ("file", c_char_p))


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libnfs.so.14")
    library.nfs_init_context.restype = c_void_p
    library.nfs_parse_url_full.argtypes = (c_void_p, c_char_p)
    library.nfs_parse_url_full.restype = POINTER(_Url)
    library.nfs_mount.argtypes = (c_void_p, c_char_p, c_char_p)
    library.nfs_open.argtypes = (c_void_p, c_char_p, c_int, POINTER(c_void_p))
    library.nfs_fsync.argtypes = library.nfs_close.argtypes = (c_void_p, c_void_p)
    library.nfs_pread_async.argtypes = (c_void_p, c_void_p, c_uint64, c_uint64, _DONE, c_void_p)
    library.nfs_pwrite_async.argtypes = (c_void_p, c_void_p, c_uint64, c_uint64, c_char_p, _DONE, c_void_p)
    library.nfs_get_fd.argtypes = library.nfs_which_events.argtypes = (c_void_p,)
    library.nfs_service.argtypes = (c_void_p, c_int)
    library.nfs_get_error.argtypes = (c_void_p,)
    library.nfs_get_error.restype = c_char_p
    return library


class Client:
    """One file of a server that is mounted."""

    def __init__(self, url: str, flags: int) -> None:
        self._library = _library()
        self._context = self._library.nfs_init_context()
        found = self._library.nfs_parse_url_full(self._context, url.encode())
        if not found:
            raise SystemExit(f"libnfs: {url} is no address")
        self._must(self._library.nfs_mount(self._context, found.contents.server, found.contents.path))
        self._file = c_void_p()
        self._must(self._library.nfs_open(self._context, found.contents.file, flags, byref(self._file)))

    def write(self, blocks: int) -> None:
        """Write bytes that no compression shortens, and have them committed."""
        data = os.urandom(BLOCK)
        self._all(blocks, lambda at, done: self._library.nfs_pwrite_async(
            self._context, self._file, at, BLOCK, data, done, None))  # fmt: skip
        self._must(self._library.nfs_fsync(self._context, self._file))

    def read(self, blocks: int) -> None:
        """Read from the beginning."""
        self._all(blocks, lambda at, done: self._library.nfs_pread_async(
            self._context, self._file, at, BLOCK, done, None))  # fmt: skip

    def close(self) -> None:
        """Give the file back."""
        self._must(self._library.nfs_close(self._context, self._file))

    def _all(self, blocks: int, begin: Callable[[int, object], int]) -> None:
        """One request for each block, so many at once."""
        answers = list[int]()
        done = _DONE(lambda answer, _context, _data, _ours: answers.append(answer))
        asked = 0
        while len(answers) < blocks:
            while asked < min(blocks, len(answers) + UNDER_WAY):
                self._must(begin(asked * BLOCK, done))
                asked += 1
            self._serve()
            if wrong := set(answers[-UNDER_WAY:]) - {BLOCK}:
                raise SystemExit(f"libnfs: {wrong} instead of {BLOCK} bytes")

    def _serve(self) -> None:
        """Send and receive what can be sent and received."""
        poll = select.poll()
        poll.register(self._library.nfs_get_fd(self._context), self._library.nfs_which_events(self._context))
        for _fd, events in poll.poll(PATIENCE_MS) or [(0, select.POLLHUP)]:
            self._must(self._library.nfs_service(self._context, events))

    def _must(self, answer: int) -> None:
        if answer < 0:
            said = self._library.nfs_get_error(self._context) or b""
            raise SystemExit(f"libnfs: {said.decode(errors='replace')}")


def main(what: str, url: str, blocks: int) -> None:
    """Copy, and say how fast it was."""
    client = Client(url, os.O_RDONLY if what == "read" else os.O_WRONLY | os.O_TRUNC)
    begin = time.monotonic()
    (client.read if what == "read" else client.write)(blocks)
    took = time.monotonic() - begin
    client.close()
    sys.stdout.write(f"{blocks * BLOCK / 1e6 / took}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
