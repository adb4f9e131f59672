"""The model service as its callers see it, whichever way they come: HTTP or D-Bus."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import ChatRequest, Message, Sampling
from sigmavault.core.errors import UnknownModelError
from sigmavault.core.manifest import Manifest, Model
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.supervisor import Supervisor, Ticket
from sigmavault.system import env, memory

_SEEDS = 2**32 - 1  # the largest 32-bit number means "random" to llama.cpp


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A request as a caller words it; what is None is decided by the model's defaults."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


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


def complete(wish: Wish, model: Model) -> ChatRequest:
    """The request with every open choice made."""
    seed = random.randrange(_SEEDS) if wish.seed is None else wish.seed % _SEEDS  # noqa: S311
    defaults = model.sampling
    sampling = Sampling(
        temperature=defaults.temperature if wish.temperature is None else wish.temperature,
        top_p=defaults.top_p if wish.top_p is None else wish.top_p,
        top_k=wish.top_k or 0,
        min_p=wish.min_p or 0.0,
        seed=seed,
    )
    return ChatRequest(messages=wish.messages, sampling=sampling, max_tokens=wish.max_tokens, stop=wish.stop)


class Service:
    """The models, their processes, and what is asked of them."""

    def __init__(
        self, manifest: Manifest, settings: Settings, paths: env.Paths, on_change: Callable[[], None]
    ) -> None:
        self.manifest = manifest
        self.supervisor = Supervisor(manifest.embedded(), settings, paths, on_change)

    async def ask(self, model_id: str, wish: Wish) -> Ticket:
        """Put a request to a model.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot answer now.
        """
        model = self._known(model_id)
        return await self.supervisor.ask(complete(wish, model))

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
