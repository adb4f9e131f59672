"""The model service as its callers see it, whichever way they come: HTTP or D-Bus."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core.errors import UnknownModelError
from sigmavault.core.manifest import Manifest, Model
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.local.answer import LocalAnswer
from sigmavault.ryzan.local.request import complete
from sigmavault.ryzan.supervisor import Supervisor
from sigmavault.system import env, memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the service is doing; `contract.ryzan1.StatusKey` explains the fields."""

    model: str
    state: State
    reason: str
    version: str
    memory_bytes: int
    tokens_per_second: float
    threads: int
    threads_reason: str
    context_tokens: int
    active_requests: int


class Service:
    """The models, their processes, and what is asked of them."""

    def __init__(
        self, manifest: Manifest, settings: Settings, paths: env.Paths, on_change: Callable[[], None]
    ) -> None:
        self.manifest = manifest
        self.supervisor = Supervisor(manifest.embedded(), settings, paths, on_change)

    async def answer(self, model_id: str, wish: Wish) -> Answer:
        """Put a request to a model; an empty id means the one that is served.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the request cannot be.
            ModelError: it cannot be answered now.
        """
        model = self._known(model_id or self.supervisor.model.id)
        ticket = await self.supervisor.ask(complete(wish, model))
        return LocalAnswer(Route(model=model.id, reason="asked for by name"), ticket)

    async def load(self, model_id: str) -> None:
        """Make sure that a model is loaded.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot be loaded.
        """
        self._known(model_id)
        await self.supervisor.load()

    def _known(self, model_id: str) -> Model:
        model = self.manifest.find(model_id)
        if model != self.supervisor.model:
            raise UnknownModelError(f"model {model_id} is not served on this machine")
        return model

    def served(self) -> tuple[Model, ...]:
        """The models that can be asked now."""
        return (self.supervisor.model,) if self.supervisor.locate() else ()

    def status(self) -> Status:
        """How the service is doing."""
        model = self.supervisor
        loaded, latest = model.loaded, model.stats or model.loaded
        return Status(
            model=model.model.id,
            state=model.state,
            reason=model.reason,
            version=sigmavault.__version__,
            memory_bytes=memory.resident_bytes(pid for pid in (os.getpid(), model.pid) if pid),
            tokens_per_second=model.stats.tokens_per_second if model.stats else 0.0,
            threads=latest.threads if latest else 0,
            threads_reason=latest.threads_reason if latest else "",
            context_tokens=loaded.context_tokens if loaded else 0,
            active_requests=model.requests,
        )
