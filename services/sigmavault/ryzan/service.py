"""The model service as its callers see it, whichever way they come: HTTP or D-Bus."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest
from sigmavault.core.errors import UnknownModelError
from sigmavault.core.manifest import Manifest, Model
from sigmavault.core.wish import Answer, Caller, Route, Wish
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.local.answer import LocalAnswer
from sigmavault.ryzan.local.request import complete
from sigmavault.ryzan.supervisor import Supervisor
from sigmavault.system import env, memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """How one model is doing.

    Attributes:
        id: of the model.
        backend: `local` or the name of a remote backend.
        state: of its process; `unloaded` while it has none.
        reason: why it is not ready; empty when it is.
        pinned: whether it stays loaded.
        memory_bytes: resident memory of its process.
        tokens_per_second: of the last answers, all together.
        threads: that compute; 0 while it is not loaded.
        threads_reason: what decided their number.
        context_tokens: longest prompt plus answer.
        active_requests: being answered or waiting.
        idle_s: since the last request ended; 0 while there is one.
        architecture: of the network; empty while it is not loaded.
        prefix_hits, prefix_misses: prompts that began with a kept state, or did not.
        prefix_tokens_saved: prompt tokens that were not computed again.
        prefix_ram_bytes, prefix_disk_bytes: what the kept states take.
    """

    id: str
    backend: str
    state: State
    reason: str
    pinned: bool
    memory_bytes: int
    tokens_per_second: float
    threads: int
    threads_reason: str
    context_tokens: int
    active_requests: int
    idle_s: float = 0.0
    architecture: str = ""
    prefix_hits: int = 0
    prefix_misses: int = 0
    prefix_tokens_saved: int = 0
    prefix_ram_bytes: int = 0
    prefix_disk_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the service is doing; `contract.ryzan1.StatusKey` explains the fields.

    What is about one model is about the default one; `models` has them all.
    """

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
    models: tuple[ModelStatus, ...] = ()


@dataclass(slots=True, kw_only=True)
class Counters:
    """What happened since the service started.

    Attributes:
        loads: models that became ready.
        load_failures: loads that ended with a reason instead.
        evictions: models unloaded to make room for another.
        idle_unloads: models unloaded because nobody asked.
        restarts: model processes that died and were started again.
        refused_busy: requests turned away because too many waited.
        refused_memory: loads refused for want of memory.
        failovers: requests that a local model answered because another server was gone.
    """

    loads: int = 0
    load_failures: int = 0
    evictions: int = 0
    idle_unloads: int = 0
    restarts: int = 0
    refused_busy: int = 0
    refused_memory: int = 0
    failovers: int = 0


class Service:
    """The models, their processes, and what is asked of them."""

    def __init__(
        self, manifest: Manifest, settings: Settings, paths: env.Paths, on_change: Callable[[], None]
    ) -> None:
        self.manifest = manifest
        self.settings = settings
        self.counters = Counters()
        self.supervisor = Supervisor(manifest.embedded(), settings.limits, paths, on_change)

    async def answer(self, model_id: str, wish: Wish) -> Answer:
        """Put a request to a model.

        Args:
            model_id: of the model; empty: the default one; `auto`: chosen by the routing rules.
            wish: the request.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the request cannot be.
            ModelError: it cannot be answered now.
        """
        model = self._known(model_id or self.supervisor.model.id)
        ticket = await self.supervisor.ask(complete(wish, model))
        return LocalAnswer(Route(model=model.id, reason="asked for by name"), ticket)

    async def embed(self, model_id: str, request: EmbedRequest, caller: Caller) -> Embedded:
        """The vectors of texts.

        Args:
            model_id: of the model; empty or `auto`: the first embedding model that is available.
            request: the texts.
            caller: who asks.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the model makes no embeddings.
            ModelError: it cannot answer now; also when there is no embedding model.
        """
        del caller
        model = self._known(model_id or self.supervisor.model.id)
        del model
        return await self.supervisor.embed(request)

    async def load(self, model_id: str) -> None:
        """Make sure that a model is loaded.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot be loaded.
        """
        self._known(model_id)
        await self.supervisor.load()

    async def unload(self, model_id: str) -> None:
        """End a model's process and give its memory back; it is loaded again when somebody asks.

        Raises:
            UnknownModelError: no such model.
            ModelBusyError: it is answering.
        """
        self._known(model_id)

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
