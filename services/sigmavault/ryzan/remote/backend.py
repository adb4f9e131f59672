"""One other server as a backend; reached over the relay's socket."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest
from sigmavault.core.errors import (
    BackendGoneError,
    BackendRefusedError,
    ContextTooLongError,
    InvalidRequestError,
    ModelBusyError,
    SigmaVaultError,
)
from sigmavault.core.manifest import Purpose
from sigmavault.core.values import MIB
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.config import Backend as Told
from sigmavault.ryzan.config import BackendModel
from sigmavault.ryzan.remote import body, events
from sigmavault.ryzan.remote.answer import RemoteAnswer
from sigmavault.ryzan.remote.breaker import Breaker, Verdict
from sigmavault.ryzan.remote.transport import HungUpError, patience

if TYPE_CHECKING:
    import httpx

_ERROR_LIMIT = 64 * 1024
_VECTORS_LIMIT = 64 * MIB
_RELAY_PATIENCE_S = 5.0


class RemoteBackend:
    """See `ryzan.backend.Backend`."""

    def __init__(self, told: Told, relay: Path) -> None:
        """Of a configured server, which is not asked for anything yet.

        Args:
            told: the configuration.
            relay: socket of the relay.
        """
        self.name = told.name
        self.breaker = Breaker(told.retry_s)
        self._told = told
        self._models: Mapping[str, BackendModel] = {each.id: each for each in told.model}
        self._relay = relay
        self._client: httpx.AsyncClient | None = None

    def known(self) -> Sequence[Served]:
        """Its models, whether or not it answers."""
        state = State.READY if self.breaker.is_closed else State.FAILED
        return tuple(
            Served(
                id=each.id,
                name=each.name or each.id,
                backend=self.name,
                purpose=tuple(map(Purpose, each.purpose)),
                context=each.context,
                state=state,
            )
            for each in self._told.model
        )

    def served(self) -> Sequence[Served]:
        """Its models; all of them also after a failure, since it may be back."""
        return self.known()

    def fallback(self, model_id: str) -> str:
        """The local model that answers while this server is gone."""
        return self._models[model_id].fallback or model_id

    async def answer(self, route: Route, wish: Wish) -> Answer:
        """Put a request to the model of the route; returns when the answer has begun.

        Raises:
            InvalidRequestError: the request cannot be.
            BackendGoneError: the server does not answer, and has not begun to: another one may be asked.
            ModelError: it does not answer this.
        """
        path, content = body.spell(wish, self._remote_name(route.model))
        response = await self._post(path, content)
        answer = RemoteAnswer(route, wish, response, self._told.stall_s, self.breaker.report)
        try:
            await answer.begin(self._told.first_byte_s)
        except BaseException:
            answer.cancel()
            raise
        return answer

    async def embed(self, route: Route, request: EmbedRequest) -> Embedded:
        """The vectors of texts.

        Raises:
            InvalidRequestError: the request cannot be.
            BackendGoneError: the server does not answer.
            ModelError: it does not answer this.
        """
        response = await self._post(
            "embeddings", body.spell_embedding(request, self._remote_name(route.model))
        )
        try:
            async with patience(self._told.first_byte_s):
                data = await _read(response, _VECTORS_LIMIT)
            vectors = events.read_vectors(data, len(request.inputs))
        except (events.NonsenseError, HungUpError) as error:
            self.breaker.report(Verdict.FAILED)
            raise BackendGoneError(f"server {self.name} {error}") from error
        finally:
            await response.aclose()
        self.breaker.report(Verdict.WORKED)
        return vectors

    async def close(self) -> None:
        """Close the connections to the relay."""
        if self._client:
            await self._client.aclose()

    def _remote_name(self, model_id: str) -> str:
        return self._models[model_id].name or model_id

    async def _post(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        """Send a request; the response has status 200 and its body is still to be read."""
        if not self.breaker.admits():
            raise BackendGoneError(f"server {self.name} failed a moment ago and is left alone for now")
        try:
            response = await self._send(path, content)
        except BackendGoneError:
            self.breaker.report(Verdict.FAILED)
            raise
        except BaseException:
            self.breaker.report(Verdict.UNKNOWN)
            raise
        if response.status_code == 200:
            return response
        try:
            error = await self._judge(response)
        finally:
            await response.aclose()
        gone = isinstance(error, BackendGoneError)
        self.breaker.report(Verdict.FAILED if gone else Verdict.WORKED)
        raise error

    async def _send(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        client = self._open()
        request = client.build_request("POST", path, json=content)
        try:
            async with patience(self._told.first_byte_s + _RELAY_PATIENCE_S):
                return await client.send(request, stream=True)
        except HungUpError as error:
            raise BackendGoneError(f"server {self.name} cannot be reached: the relay {error}") from error

    def _open(self) -> httpx.AsyncClient:
        import httpx  # only where there is another server: it takes memory

        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=os.fspath(self._relay)),
                base_url=f"http://relay/{self.name}/v1/",
                timeout=httpx.Timeout(None),  # each step has its own
                trust_env=False,
            )
        return self._client

    async def _judge(self, response: httpx.Response) -> SigmaVaultError:
        """The error that a response other than 200 means here."""
        try:
            async with patience(_RELAY_PATIENCE_S):
                message, code = events.error_message(await _read(response, _ERROR_LIMIT))
        except (HungUpError, events.NonsenseError):
            message = code = ""
        status = response.status_code
        said = f"server {self.name} answers {status}" + (f": {message}" if message else "")
        if code == "context_length_exceeded":
            return ContextTooLongError(said, param="messages")
        match status:
            case 400 | 413 | 422:
                return InvalidRequestError(said)
            case 429:
                return ModelBusyError(said, retry_after_s=_retry_after(response))
            case _ if status >= 500 or status == 408:
                return BackendGoneError(f"server {self.name} answers {status}")
        return BackendRefusedError(f"server {self.name} answers {status}: its configuration here is wrong")


async def _read(response: httpx.Response, limit: int) -> bytes:
    data = bytearray()
    async for part in response.aiter_raw():
        data += part
        if len(data) > limit:
            raise events.NonsenseError(f"more than {limit} bytes")
    return bytes(data)


def _retry_after(response: httpx.Response) -> int:
    told = response.headers.get("Retry-After", "")
    return min(int(told), 3600) if told.isascii() and told.isdigit() and len(told) < 8 else 5
