"""Sends one file to whoever connects, by sendfile(2): the sender costs as little as it can."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from pathlib import Path

_PIECE = 1024 * 1024


def write_content(file: Path, size: int) -> str:
    """Make a model of random bytes; its sha256."""
    digest = hashlib.sha256()
    with file.open("wb") as target:
        for at in range(0, size, _PIECE):
            piece = (b"GGUF" if at == 0 else b"") + os.urandom(_PIECE)
            piece = piece[: min(_PIECE, size - at)]
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _serve(connection: socket.socket, descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    with connection:
        while b"\r\n\r\n" not in connection.recv(65536):
            pass
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
        at = 0
        while at < size:
            at += os.sendfile(connection.fileno(), descriptor, at, _PIECE)


def main() -> None:
    """Tell the port, then serve until killed."""
    descriptor = os.open(sys.argv[1], os.O_RDONLY)
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_serve, args=(connection, descriptor), daemon=True).start()


if __name__ == "__main__":
    main()
