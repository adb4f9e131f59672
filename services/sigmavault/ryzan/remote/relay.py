"""The relay: takes requests over a Unix socket and passes them to the servers of the configuration.

The only part of the model service that has a network. A caller names a server by its name in the
configuration, never by an address; three paths exist; nothing of a request but its body is passed on, and
of a response only its status, three headers and its body. Redirects are not followed. API keys are read
here and go nowhere else.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sigmavault.core.errors import ConfigError
from sigmavault.core.values import MIB
from sigmavault.ryzan.config import Backend
from sigmavault.ryzan.connected import ClientGoneError, while_connected

OWN_FAILURE = "x-sigmavault-relay"
"""Header of responses that the relay itself made; never passed through from a server."""

_PATH = re.compile(r"/([a-z0-9-]+)/v1/(chat/completions|completions|embeddings)")
_BODY_LIMIT = 16 * MIB
_RESPONSE_LIMIT = 128 * MIB
_PASSED = (b"content-type", b"retry-after")
_KEY = re.compile(r"[!-~]{1,4096}")

_log = logging.getLogger(__name__)

type Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Target:
    """One server: where it is, and the connections to it; or why it cannot be asked."""

    url: str
    client: httpx.AsyncClient | None
    headers: Mapping[str, str]
    refusal: str = ""


class _TooLargeError(Exception):
    """A request has more bytes than the relay carries."""


class Relay:
    """The application; ASGI."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._targets = {each.name: _open(each) for each in backends}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass one request on."""
        found = _PATH.fullmatch(scope["path"])
        target = self._targets.get(found[1]) if found else None
        if scope["method"] != "POST" or found is None or target is None:
            await _fail(send, 404, "no such server in the configuration, or no such path")
        elif target.client is None:
            await _fail(send, 503, target.refusal)
        else:
            await self._pass(target, target.client, found[2], receive, send)

    async def _pass(
        self, target: _Target, client: httpx.AsyncClient, path: str, receive: Any, send: Any
    ) -> None:
        try:
            request = client.build_request(
                "POST", f"{target.url}/{path}", content=await _read(receive), headers=target.headers
            )
            await while_connected(receive, _carry(client, request, send), harmless=_CutError)
        except _TooLargeError:
            await _fail(send, 413, f"more than {_BODY_LIMIT // MIB} MiB")
        except (ClientGoneError, _CutError):
            pass  # nobody is there to be told, or too late

    async def close(self) -> None:
        """Close all connections."""
        for each in self._targets.values():
            if each.client:
                await each.client.aclose()


async def _carry(client: httpx.AsyncClient, request: httpx.Request, send: Any) -> None:
    try:
        response = await client.send(request, stream=True)
    except httpx.TimeoutException as error:
        await _fail(send, 504, f"is too slow ({type(error).__name__})")
        return
    except (httpx.HTTPError, OSError) as error:
        # the class alone: the text of a TLS or resolver error may have names that are nobody's business
        await _fail(send, 502, f"cannot be reached ({type(error).__name__})")
        return
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            await _fail(send, 502, "compresses although it was asked not to")
            return
        headers = [(name, value) for name, value in response.headers.raw if name.lower() in _PASSED]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await _stream(response, send)
    finally:
        await response.aclose()


async def _stream(response: httpx.Response, send: Any) -> None:
    total = 0
    try:
        async for part in response.aiter_raw():
            total += len(part)
            if total > _RESPONSE_LIMIT:
                raise httpx.StreamError("too long")
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        _log.warning("a server broke off (%s)", type(error).__name__)
        # no last part: the caller sees that the response was cut, and not that it is complete
        raise _CutError from error
    await send({"type": "http.response.body", "body": b""})


class _CutError(Exception):
    """A response cannot be completed."""


async def _read(receive: Any) -> bytes:
    """The body of a request.

    Raises:
        _TooLargeError: it is too large.
        ClientGoneError: the caller has hung up before its end.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > _BODY_LIMIT:
            raise _TooLargeError
        if not message.get("more_body"):
            return bytes(body)


async def _fail(send: Any, status: int, message: str) -> None:
    body = json.dumps({"error": {"message": message, "type": "relay_error", "param": None, "code": None}})
    headers = [(b"content-type", b"application/json"), (OWN_FAILURE.encode(), b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def _open(told: Backend) -> _Target:
    try:
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "sigmavault-relay",
        }
        if told.api_key_file:
            headers["Authorization"] = f"Bearer {read_key(Path(told.api_key_file))}"
        client = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=told.ca_file or None),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(max(told.first_byte_s, told.stall_s), connect=told.connect_s),
        )
    except (ConfigError, OSError, ssl.SSLError) as error:
        reason = error.message if isinstance(error, ConfigError) else f"{told.ca_file}: {error.strerror}"
        _log.error("server %s cannot be asked: %s", told.name, reason)
        return _Target(told.url, None, {}, reason)
    return _Target(told.url, client, headers)


def read_key(file: Path) -> str:
    """An API key out of its file.

    Raises:
        ConfigError: it cannot be read, others may read it too, or it holds no key.
    """
    try:
        with file.open("rb") as data:
            mode = stat.S_IMODE(os.fstat(data.fileno()).st_mode)
            text = data.read(8192).decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError(f"{file}: has mode {mode:04o}; a key must be readable by its owner alone: 0600")
    if not _KEY.fullmatch(text):
        raise ConfigError(f"{file}: must hold one key, of printable ASCII without spaces")
    return text
