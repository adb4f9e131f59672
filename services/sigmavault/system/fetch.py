"""Reads a file from an HTTP server or a folder, from any byte on; who reads can be stopped from elsewhere.

The standard library's `http.client`: nearly twice as fast as httpx here (decision 26).
Names, types and lengths that a server tells decide nothing but whether it is asked further.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from sigmavault.core.downloads.address import MOST_REDIRECTS, Address, follow
from sigmavault.core.downloads.mirrors import FolderCandidate, HttpCandidate
from sigmavault.core.downloads.pace import STALLED_S
from sigmavault.core.downloads.reply import REDIRECTS, Asked, Begin, judge, request_headers
from sigmavault.core.errors import SourceGoneError, SourceRefusedError

_CONNECT_S: Final = 15.0
_AGENT: Final = "sigmavault-models"


class StoppedError(Exception):
    """Somebody has told the transfer to stop; no failure."""


class Control:
    """What the thread of a transfer and everybody else share."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def stop(self) -> None:
        """End the transfer soon; from any thread."""
        self._stop.set()
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed or never connected
                    # not SSLSocket's own: that would let the reader see the encrypted bytes as plain ones
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def check(self) -> None:
        """Go on, or not.

        Raises:
            StoppedError: not.
        """
        if self._stop.is_set():
            raise StoppedError

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoppedError: it was told to stop meanwhile.
        """
        if seconds > 0 and self._stop.wait(seconds):
            raise StoppedError

    @contextlib.contextmanager
    def watching(self, connection: socket.socket | None) -> Iterator[None]:
        """While this is open, `stop` wakes who waits for the connection."""
        with self._lock:
            self._socket = connection
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._socket = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the outside is reached.

    Attributes:
        lan: `host:port` that may be asked over plain HTTP.
        proxy: `http://[USER:PASSWORD@]HOST:PORT` for what is not in this network; empty: none.
    """

    lan: frozenset[str] = frozenset()
    proxy: str = ""


class Body(Protocol):
    """The bytes of a file from somewhere on."""

    begin: Begin

    def read(self, most: int) -> bytes:
        """What has come, at most so many bytes; nothing at the end.

        Raises:
            SourceGoneError: it broke off.
            StoppedError: somebody wants it to end.
        """


@contextlib.contextmanager
def open_http(candidate: HttpCandidate, asked: Asked, way: Way, control: Control) -> Iterator[Body]:
    """Ask a server for a file, following its redirects.

    Raises:
        SourceRefusedError: it does not have our file, or sends us where we do not go.
        SourceGoneError: it does not answer.
        StoppedError: somebody wants it to end.
    """
    address = candidate.address
    for _ in range(MOST_REDIRECTS + 1):
        # certificates of one's own vouch for the mirror, not for where it sends us
        is_own = address.place == candidate.address.place
        context = _context(candidate.ca_file if is_own else "") if address.is_encrypted else None
        proxy = "" if candidate.is_local and is_own else way.proxy
        connection = _connection(address, proxy, context)
        with contextlib.ExitStack() as held:
            held.callback(connection.close)
            with _in_our_words(candidate.name):
                connection.connect()
                held.enter_context(control.watching(connection.sock))
                connection.sock.settimeout(STALLED_S)
                connection.request("GET", address.target, headers=_headers(asked))
                reply = connection.getresponse()
            headers = _plain_headers(reply)
            if reply.status not in REDIRECTS:
                yield _HttpBody(reply, judge(reply.status, headers, asked), candidate.name, control)
                return
        address = follow(address, headers.get("location", ""), way.lan)
    raise SourceRefusedError(f"{candidate.name} redirects more than {MOST_REDIRECTS} times")


class _HttpBody:
    def __init__(self, reply: http.client.HTTPResponse, begin: Begin, name: str, control: Control) -> None:
        self.begin = begin
        self._reply = reply
        self._name = name
        self._control = control

    def read(self, most: int) -> bytes:
        with _in_our_words(self._name):
            try:
                # one recv(2) at most: a server that drips is heard of
                piece = self._reply.read1(most)
            except (OSError, http.client.HTTPException):
                self._control.check()  # the connection was shut by us
                raise
        self._control.check()
        return piece


def _headers(asked: Asked) -> dict[str, str]:
    return {"User-Agent": _AGENT, **request_headers(asked)}


def _plain_headers(reply: http.client.HTTPResponse) -> dict[str, str]:
    """In lower case; one that is there twice becomes a list, which no number passes for."""
    found: dict[str, str] = {}
    for name, value in reply.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise SourceRefusedError(f"the certificates of {ca_file} cannot be read: {error.strerror}") from error


def _connection(address: Address, proxy: str, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    host, port, headers = address.host, address.port, {}
    if proxy:
        parts = urlsplit(proxy)
        host, port = parts.hostname or "", parts.port or 3128
        if parts.username is not None:
            word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(word.encode()).decode()}"
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_CONNECT_S, context=context)
        if context
        else http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
    )
    if proxy:
        connection.set_tunnel(address.host, address.port, headers)
    return connection


@contextlib.contextmanager
def _in_our_words(name: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SourceRefusedError(f"{name} cannot prove that it is it: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise SourceGoneError(f"{name} breaks off the encryption: {error.reason or 'no reason'}") from error
    except TimeoutError as error:
        raise SourceGoneError(f"{name} says nothing") from error
    except socket.gaierror as error:
        raise SourceGoneError(f"{name} cannot be found: {error.strerror}") from error
    except OSError as error:
        raise SourceGoneError(f"{name} cannot be reached: {error.strerror or error}") from error
    except (http.client.HTTPException, ValueError) as error:
        raise SourceGoneError(f"{name} does not speak HTTP: {type(error).__name__}") from error


@contextlib.contextmanager
def open_folder(candidate: FolderCandidate, asked: Asked, control: Control) -> Iterator[Body]:
    """Read a file of a folder: a USB disk, a mounted share.

    Raises:
        SourceRefusedError: it is not there, or not our file.
        SourceGoneError: it cannot be read now.
        StoppedError: somebody wants it to end.
    """
    place = os.path.join(candidate.folder, candidate.file)  # noqa: PTH118  # an open(2) of ours follows
    try:
        # not blocking: in case it is a pipe
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SourceRefusedError(f"{candidate.name} does not have it: {place}: {error.strerror}") from error
    try:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise SourceRefusedError(f"{candidate.name}: {place} is no file")
        if told.st_size != asked.size:
            raise SourceRefusedError(
                f"{candidate.name} has {told.st_size} bytes of it, it must have {asked.size}"
            )
        os.lseek(descriptor, asked.offset, os.SEEK_SET)
        yield _FolderBody(descriptor, Begin(offset=asked.offset, etag=""), candidate.name, control)
    finally:
        os.close(descriptor)


class _FolderBody:
    def __init__(self, descriptor: int, begin: Begin, name: str, control: Control) -> None:
        self.begin = begin
        self._descriptor = descriptor
        self._name = name
        self._control = control

    def read(self, most: int) -> bytes:
        self._control.check()
        try:
            return os.read(self._descriptor, most)
        except OSError as error:
            raise SourceGoneError(f"{self._name} cannot be read: {error.strerror}") from error
