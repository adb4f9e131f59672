"""A file server on the loopback address that can be told to misbehave, request by request.

Real sockets, real TLS.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    line: str
    headers: Mapping[str, str]
    connection: socket.socket
    server: ModelServer

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    @property
    def offset(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(found[1]) if found else 0

    def send(self, status: str, headers: Mapping[str, object] | None = None, body: bytes = b"") -> None:
        told = {"Connection": "close", **(headers or {})}
        text = f"HTTP/1.1 {status}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in told.items())
        self.connection.sendall(text.encode() + b"\r\n" + body)

    def wait_gone(self) -> None:
        """Until the client has hung up."""
        with contextlib.suppress(OSError):
            while self.connection.recv(4096):
                pass


type Behaviour = Callable[[Request], None]


def well(request: Request, *, most: int | None = None, etag: str | None = None) -> None:
    """As a good server does, with ranges; `most`: the connection is cut after so many bytes of the body."""
    content = request.server.content
    mark = etag if etag is not None else request.server.etag
    offset = request.offset
    if request.headers.get("if-range", mark) != mark:
        offset = 0
    headers: dict[str, object] = {"Content-Type": "application/octet-stream", "ETag": mark}
    body = memoryview(content)[offset:]
    headers["Content-Length"] = len(body)
    if offset:
        headers["Content-Range"] = f"bytes {offset}-{len(content) - 1}/{len(content)}"
    request.send("206 Partial Content" if offset else "200 OK", headers)
    for at in range(0, min(len(body), most if most is not None else len(body)), _PIECE):
        end = at + _PIECE if most is None else min(at + _PIECE, most)
        request.connection.sendall(body[at:end])
        request.server.pace()


def cut(after: int) -> Behaviour:
    """Well, but the connection breaks."""
    return lambda request: well(request, most=after)


@dataclass
class ModelServer:
    """Serves one content at every path; behaviours are used up, one for each request, then it is good."""

    content: bytes
    certificate: tuple[Path, Path] | None = None
    etag: str = '"v1"'
    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    always: Behaviour = well
    pace: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._context = None
        if self.certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*self.certificate)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://localhost:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ConnectionError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                text = b""
                while b"\r\n\r\n" not in text:
                    piece = connection.recv(4096)
                    if not piece:
                        return
                    text += piece
                line, *rest = text.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
                pairs = (each.split(": ", 1) for each in rest)
                request = Request(line, {key.lower(): value for key, value in pairs}, connection, self)
                self.requests.append(request)
                (self.behaviours.pop(0) if self.behaviours else self.always)(request)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost`, which vouches for itself, and its key."""
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", os.fspath(key), "-out", os.fspath(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.chmod(0o644)
    return certificate, key
