"""A service whose answers are written down, for what is about their rendering alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import httpx
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest, Finish, Likelihood, TokenLogprob
from sigmavault.core.errors import SigmaVaultError, UnknownModelError
from sigmavault.core.wish import (
    Answer,
    AnswerEvent,
    AnswerStarted,
    Caller,
    ChoiceFinished,
    ContentDelta,
    Route,
    Wish,
)
from sigmavault.ryzan.config import read_manifest
from sigmavault.ryzan.http.app import build
from sigmavault.ryzan.http.guard import App
from sigmavault.ryzan.http.keys import Keys
from sigmavault.ryzan.service import Counters, ModelStatus, Status

type Step = AnswerEvent | SigmaVaultError

MANIFEST = read_manifest(Path(__file__).resolve().parents[4] / "models-manifest.yaml")
BASE = "http://127.0.0.1:8100"


class ScriptedAnswer:
    def __init__(self, script: Sequence[Step], route: Route) -> None:
        self.route = route
        self.is_cancelled = False
        self._script = iter(script)

    async def next(self) -> AnswerEvent | None:
        await asyncio.sleep(0)
        step = next(self._script, None)
        if isinstance(step, SigmaVaultError):
            raise step
        return step

    def cancel(self) -> None:
        self.is_cancelled = True


class ScriptedService:
    def __init__(self, *scripts: Sequence[Step], route: Route | None = None) -> None:
        self.scripts = list(scripts)
        self.route = route or Route(model="m", reason="asked for by name")
        self.wishes: list[Wish] = []
        self.callers: list[Caller] = []
        self.answers: list[ScriptedAnswer] = []
        self.counters = Counters(restarts=2)
        self.manifest = MANIFEST
        self.vectors: tuple[tuple[float, ...], ...] = ((0.6, 0.8, 0.0),)

    async def answer(self, model_id: str, wish: Wish) -> Answer:
        self.wishes.append(wish)
        self.callers.append(wish.caller)
        script = self.scripts.pop(0) if self.scripts else plain("Hello")
        if isinstance(script[0], SigmaVaultError):
            raise script[0]
        self.answers.append(ScriptedAnswer(script, self.route))
        return self.answers[-1]

    async def embed(self, model_id: str, request: EmbedRequest, caller: Caller) -> tuple[Route, Embedded]:
        route = Route(model="chosen" if model_id == "auto" else model_id, reason="asked for by name")
        return route, Embedded(vectors=self.vectors * len(request.inputs), prompt_tokens=4)

    def served(self) -> tuple[()]:
        return ()

    def why_not(self, model_id: str) -> UnknownModelError:
        return UnknownModelError(f"no model is called {model_id!r}")

    def status(self) -> Status:
        model = ModelStatus(
            id="m", backend="local", state=State.READY, reason="", pinned=True, memory_bytes=5,
            tokens_per_second=1.5, threads=2, threads_reason="", context_tokens=100, active_requests=1,
            prefix_hits=3,
        )  # fmt: skip
        return Status(
            model="m", state=State.READY, reason="", version="1", memory_bytes=7, tokens_per_second=1.5,
            threads=2, threads_reason="", context_tokens=100, active_requests=1, models=(model,),
        )  # fmt: skip


def plain(*texts: str, index: int = 0, finish: Finish = Finish.STOP) -> list[Step]:
    """An answer of one choice."""
    deltas = [ContentDelta(index=index, text=text) for text in texts]
    end = ChoiceFinished(index=index, finish=finish, completion_tokens=len(texts))
    return [AnswerStarted(prompt_tokens=10, cached_tokens=4), *deltas, end]


def logprob(token: bytes, value: float, *top: tuple[bytes, float]) -> TokenLogprob:
    others = tuple(Likelihood(token=other, logprob=number) for other, number in top)
    return TokenLogprob(chosen=Likelihood(token=token, logprob=value), top=others)


def app(service: ScriptedService, keys: Keys | None = None) -> App:
    return build(cast("Any", service), keys or Keys(()))


def post(
    service: ScriptedService, path: str, body: Any, *, keys: Keys | None = None, **headers: str
) -> httpx.Response:
    return call(app(service, keys), "POST", path, json=body, headers=headers)


def call(application: App, method: str, path: str, **options: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=cast("Any", application), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def events(answer: httpx.Response) -> list[Any]:
    """The JSON of server-sent events; the end mark stays text."""
    data = [each.partition("data: ")[2] for each in answer.text.split("\n\n") if each]
    return [each if each == "[DONE]" else json.loads(each) for each in data]
