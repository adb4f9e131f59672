"""Times answers of the model service over its HTTP API, which tells how many tokens they have."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmavault.contract.ryzan1 import HTTP_ADDRESS, HTTP_PORT
from sigmavault.core.errors import (
    ModelBusyError,
    ModelError,
    NotAuthorizedError,
    ServiceUnavailableError,
    SigmaVaultError,
    UnknownModelError,
)

_EVENT = b"data: "
_LAST = b"[DONE]"
_BY_STATUS: dict[int, type[SigmaVaultError]] = {
    401: NotAuthorizedError,
    404: UnknownModelError,
    429: ModelBusyError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One answer; times in seconds of one clock.

    Attributes:
        prompt_tokens: of the prompt.
        cached_tokens: how many of them were not computed again.
        completion_tokens: of the answer.
        began: when it was asked for.
        first: when its first text came.
        last: when its last text came.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    began: float
    first: float
    last: float


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


class BenchClient:
    """Asks, on as many threads as there are; `abort` ends all of it.

    Args:
        path: the service's Unix socket. Who may not use it comes over TCP, as any local program.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._is_over = False

    def abort(self) -> None:
        """Hang up: the service ends what it is doing for us within a step."""
        with self._lock:
            self._is_over = True
            for connection in self._open:
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def complete(self, model: str, prompt: str, max_tokens: int) -> Timed:
        """Have a text continued, greedily; no kept answer is taken.

        Raises:
            SigmaVaultError: it was not answered.
        """
        connection = self._connect()
        body = {
            "model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}, "sigmavault": {"cache": {"enabled": False}},
        }  # fmt: skip
        try:
            began = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/completions", json.dumps(body), headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise _failure(response.status, response.read())
            return _timed(response, began)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise ModelError(f"the answer broke off: {str(error) or type(error).__name__}") from error
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        ways = (_UnixConnection(self._path), http.client.HTTPConnection(HTTP_ADDRESS, HTTP_PORT))
        for way in ways:
            try:
                way.connect()
            except OSError:
                continue
            with self._lock:
                if self._is_over:
                    way.close()
                    raise ModelError("it was called off")
                self._open.add(way)
            return way
        raise ServiceUnavailableError(
            "the model service's API does not answer",
            "`systemctl status sigmavault-ryzan.socket` tells how it is",
        )


def _failure(status: int, data: bytes) -> SigmaVaultError:
    try:
        message = str(json.loads(data)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the service answered with HTTP status {status}"
    error = _BY_STATUS.get(status, ModelError)(message)
    if status == http.client.UNAUTHORIZED:
        error.hint = "run it with sudo: the Unix socket needs no key"
    return error


def _timed(response: http.client.HTTPResponse, began: float) -> Timed:
    first = last = 0.0
    usage: dict[str, Any] = {}
    for event in _events(response):
        now = time.perf_counter()
        if "error" in event:
            raise ModelError(str(event["error"]["message"]))
        if any(choice.get("text") for choice in event["choices"]):
            first, last = first or now, now
        usage = event.get("usage") or usage
    if not first:
        first = last = time.perf_counter()  # one token may have no text: it ends the answer
    return Timed(
        prompt_tokens=usage["prompt_tokens"],
        cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
        completion_tokens=usage["completion_tokens"],
        began=began, first=first, last=last,
    )  # fmt: skip


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        data = line.strip().removeprefix(_EVENT)
        if line.startswith(_EVENT) and data != _LAST:
            yield json.loads(data)
