"""The model service as its callers see it, whichever way they come: HTTP or D-Bus."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core import routing
from sigmavault.core.chat import Embedded, EmbedRequest
from sigmavault.core.errors import (
    BackendGoneError,
    ConfigError,
    InvalidRequestError,
    ModelError,
    ModelMissingError,
    ModelRefusedError,
    UnknownModelError,
)
from sigmavault.core.manifest import Manifest, Purpose
from sigmavault.core.tiers import choose_tier
from sigmavault.core.wish import Answer, Caller, Route, Wish
from sigmavault.ryzan.answer_cache.front import CachingBackend
from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.catalog import Catalog, Entry
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.counters import Counters as Counters
from sigmavault.ryzan.local.backend import LOCAL, LocalBackend
from sigmavault.ryzan.pool import Pool
from sigmavault.ryzan.remote.remotes import Remotes
from sigmavault.ryzan.status import ModelStatus as ModelStatus
from sigmavault.ryzan.status import Status as Status
from sigmavault.ryzan.status import with_figures
from sigmavault.ryzan.vetting import Vetting
from sigmavault.system import env, memory
from sigmavault.system.cpu import read_cpus
from sigmavault.system.hardware import read_hardware

_log = logging.getLogger(__name__)

_BY_NAME = "asked for by name"
_AVAILABLE = frozenset({State.READY, State.LOADING, State.RESTARTING, State.UNLOADED})


class Service:
    """The models, their processes, and what is asked of them."""

    def __init__(
        self, manifest: Manifest, settings: Settings, paths: env.Paths, on_change: Callable[[], None]
    ) -> None:
        """With nothing loaded yet; `run` does that.

        Raises:
            ConfigError: the default model is not known.
        """
        self.manifest = manifest
        self.settings = settings
        self.default = settings.models.default or manifest.embedded().id
        self._tier = choose_tier(read_hardware(), manifest).tier.name
        self._counters = Counters()
        vetting = Vetting(paths.state / "verified.json" if paths.state else None)
        self._catalog = Catalog(manifest, paths.models, vetting)
        self._remotes = Remotes(settings.backend, paths.relay)
        self._rules = tuple(
            routing.Rule(task=each.task, models=each.models) for each in settings.routing.rule
        )
        self.pool = Pool(
            self._catalog, vetting, settings, self._pinned(), self._counters, on_change,
            states=paths.state / "states" if paths.state else None,
            verdicts=paths.state / "speculation" if paths.state else None,
        )  # fmt: skip
        self._local = CachingBackend(LocalBackend(self.pool), self.pool, settings.reuse, paths)
        self.answers = self._local.cache

    def _pinned(self) -> tuple[str, ...]:
        models = self.settings.models
        pinned = dict.fromkeys([*([self.default] if models.pin_default else []), *models.pinned])
        local = [each for each in pinned if self._remotes.find(each) is None]
        for each in local:
            try:
                self._catalog.find(each)
            except ModelError as error:
                raise ConfigError(f"ryzan.toml: models: {error.message}") from error
        return tuple(local)

    async def run(self) -> None:
        """Keep the pinned models loaded and unload idle ones, until cancelled; then end all processes."""
        await asyncio.to_thread(lambda: list(self._catalog.present()))  # reads headers: not in the loop
        try:
            await self.pool.keep()
        finally:
            # together, and each whatever happens to the others: systemd does not wait for long
            ends = (self.answers.close(), self.pool.close(), self._remotes.close())
            for ended in await asyncio.gather(*ends, return_exceptions=True):
                if isinstance(ended, BaseException):
                    raise ended

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
        route = self._route(model_id, wish)
        remote = self._remotes.find(route.model)
        if remote is None:
            return await self._local.answer(route, wish)
        route = dataclasses.replace(route, backend=remote.name)
        try:
            return await remote.answer(route, wish)
        except BackendGoneError as error:
            instead = self._instead(route, error)
        return await self._local.answer(instead, wish)

    async def embed(self, model_id: str, request: EmbedRequest, caller: Caller) -> tuple[Route, Embedded]:
        """The vectors of texts, and who made them.

        Args:
            model_id: of the model; empty or `auto`: the first embedding model that is available.
            request: the texts.
            caller: who asks.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the model makes no embeddings.
            ModelError: it cannot answer now; also when there is no embedding model.
        """
        del caller  # vectors are not kept, so that nobody could see another's
        if model_id in ("", routing.AUTO):
            route = self._embedding_route()
        elif Purpose.EMBEDDING not in self._purposes(model_id):
            raise InvalidRequestError(f"model {model_id} makes no embeddings", param="model")
        else:
            route = Route(model=model_id, reason=_BY_NAME)
        remote = self._remotes.find(route.model)
        if remote is None:
            return route, await self._local.embed(route, request)
        route = dataclasses.replace(route, backend=remote.name)
        try:
            return route, await remote.embed(route, request)
        except BackendGoneError as error:
            instead = self._instead(route, error)
        return instead, await self._local.embed(instead, request)

    async def load(self, model_id: str) -> None:
        """Make sure that a model is loaded; one whose file was refused is tried again.

        Raises:
            UnknownModelError: no such model.
            ModelError: it cannot be loaded.
        """
        if self._remotes.find(model_id) is None:
            await self.pool.load(model_id or self.default)

    async def unload(self, model_id: str) -> None:
        """End a model's process and give its memory back; it is loaded again when somebody asks.

        Raises:
            UnknownModelError: no such model.
            ModelBusyError: it is answering.
        """
        if self._remotes.find(model_id) is None:
            await self.pool.unload(model_id or self.default)

    async def clear_answers(self) -> int:
        """Erase the kept answers of everybody; how many there were.

        Raises:
            ServiceUnavailableError: nobody knows whether they are gone.
        """
        return await self._local.clear()

    def served(self) -> tuple[Served, ...]:
        """The models that can be asked now; of one name another server's comes first."""
        remote = self._remotes.served()
        names = {each.id for each in remote}
        return (*(each for each in self._local.served() if each.id not in names), *remote)

    def why_not(self, model_id: str) -> ModelError:
        """Why a model is not among those that can be asked."""
        try:
            self._catalog.find(model_id)
        except ModelError as error:
            return error
        slot = self.pool.slot(model_id)
        failure = slot and (slot.failure or (slot.supervisor and slot.supervisor.failure))
        if failure:
            return type(failure)(failure.message)
        return UnknownModelError(f"no model is called {model_id!r}")

    @property
    def counters(self) -> Counters:
        """What happened since the service started."""
        answers = self.answers
        return dataclasses.replace(
            self._counters,
            restarts=self._counters.restarts + self.pool.restarts,
            answer_hits=answers.stats.hits,
            answer_near_hits=answers.stats.near_hits,
            answer_misses=answers.stats.misses,
            answer_tokens_saved=answers.stats.tokens_saved,
            answers_stored=answers.stored,
            answers_evicted=answers.evicted,
        )

    def status(self) -> Status:
        """How the service is doing."""
        models = (*self._local_statuses(), *self._remote_status())
        main = next(each for each in models if each.id == self.default)
        return Status(
            model=main.id,
            state=main.state,
            reason=main.reason,
            version=sigmavault.__version__,
            memory_bytes=memory.resident_bytes(filter(None, [os.getpid(), self.answers.pid]))
            + sum(each.memory_bytes for each in models),
            tokens_per_second=main.tokens_per_second,
            threads=main.threads,
            threads_reason=main.threads_reason,
            context_tokens=main.context_tokens,
            active_requests=sum(each.active_requests for each in models),
            tier=self._tier,
            quota_cpus=read_cpus().quota or 0.0,
            models=models,
            answers_kept=self.answers.entries,
            answers_bytes=self.answers.bytes,
            answers_off=self.answers.reason,
        )

    def _local_statuses(self) -> Iterator[ModelStatus]:
        """Of local models whose files are there, and of the default one in any case."""
        here = [each for each in self._catalog.present() if self._remotes.find(each.id) is None]
        yield from map(self._local_status, here)
        if self.default in {each.id for each in here} or self._remotes.find(self.default) is not None:
            return
        try:
            yield self._local_status(self._catalog.find(self.default))
        except ModelError as error:
            state = State.FAILED if isinstance(error, ModelRefusedError) else State.NO_MODEL
            yield ModelStatus(id=self.default, backend=LOCAL, state=state, reason=error.message)

    def _local_status(self, entry: Entry) -> ModelStatus:
        state, reason = self.pool.state(entry)
        slot = self.pool.slot(entry.id)
        process = slot.supervisor if slot else None
        status = ModelStatus(
            id=entry.id,
            backend=LOCAL,
            state=state,
            reason=reason,
            pinned=entry.id in self.pool.pinned,
            active_requests=slot.requests if slot else 0,
            need_bytes=slot.need if slot else 0,
            idle_s=time.monotonic() - slot.idle_since if process and slot and not slot.busy else 0.0,
            from_manifest=entry.from_manifest,
        )
        return with_figures(status, process) if process else status

    def _remote_status(self) -> list[ModelStatus]:
        return [
            ModelStatus(id=each.id, backend=each.backend, state=each.state, context_tokens=each.context)
            for each in self._remotes.known()
        ]

    def _route(self, model_id: str, wish: Wish) -> Route:
        if model_id != routing.AUTO:
            return Route(model=model_id or self.default, reason=_BY_NAME if model_id else "the default model")
        kind = routing.classify(wish, long_tokens=self.settings.routing.long_context_tokens)
        choice = routing.choose(kind, self._rules, self._candidates(), self.default)
        _log.info("%s: model %s", choice.reason, choice.model)
        return Route(model=choice.model, reason=choice.reason)

    def _candidates(self) -> list[routing.Candidate]:
        return [
            routing.Candidate(
                id=each.id,
                purpose=tuple(each.purpose),
                context=self._context(each),
                ready=each.state is State.READY,
                available=each.state in _AVAILABLE,
            )
            for each in self.served()
        ]

    def _context(self, model: Served) -> int:
        """What a model's process holds, or would: often less than the model was made for."""
        if model.backend != LOCAL:
            return model.context
        slot = self.pool.slot(model.id)
        if slot and slot.supervisor and slot.supervisor.loaded:
            return slot.supervisor.loaded.context_tokens
        return min(model.context, self.settings.limits.context_tokens)

    def _embedding_route(self) -> Route:
        kind = routing.Kind(task=routing.Task.EMBEDDING, because="texts to be embedded", tokens=0)
        rules = (*self._rules, routing.Rule(task=routing.Task.EMBEDDING, models=("purpose:embedding",)))
        found = routing.choose(kind, rules, self._candidates(), "")
        if not found.model:
            raise ModelMissingError("there is no embedding model on this machine")
        return Route(model=found.model, reason=found.reason)

    def _purposes(self, model_id: str) -> tuple[Purpose, ...]:
        remote = next((each for each in self._remotes.known() if each.id == model_id), None)
        return remote.purpose if remote else self._catalog.find(model_id).purpose

    def _instead(self, route: Route, error: BackendGoneError) -> Route:
        """Who answers here while another server is gone.

        Raises:
            BackendGoneError: nobody.
        """
        fallback = self._remotes.fallback(route.model)
        try:
            entry = self._catalog.find(fallback)
        except ModelError:
            raise error from None
        if self._catalog.locate(entry) is None:
            raise error
        self._counters.failovers += 1
        reason = f"{route.reason}; {error.message}: answered by this machine"
        _log.warning("model %s: %s", route.model, reason)
        return Route(model=fallback, backend=LOCAL, reason=reason)
