"""The local backend with the answer cache in front of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core.answer_cache import Source
from sigmavault.core.chat import Embedded, EmbedRequest, Text
from sigmavault.core.errors import ServiceUnavailableError, SigmaVaultError
from sigmavault.core.manifest import Purpose
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.answer_cache.cache import AnswerCache
from sigmavault.ryzan.answer_cache.keeper import Keeper, Limits
from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.catalog import Entry
from sigmavault.ryzan.config import Reuse
from sigmavault.ryzan.local.backend import LocalBackend
from sigmavault.ryzan.pool import Pool
from sigmavault.ryzan.vetting import identify
from sigmavault.system import env

_log = logging.getLogger(__name__)

_ENGINE_FILES = tuple(f"python/llama_cpp/lib/{name}.so" for name in ("libllama", "libggml-base"))


class CachingBackend:
    """See `ryzan.backend.Backend`.

    Only models that the manifest vouches for: which file another model's process has loaded is not certain.
    Answers of other servers are not kept: what answers there is not known.
    """

    def __init__(self, local: LocalBackend, pool: Pool, settings: Reuse, paths: env.Paths) -> None:
        """With nothing opened.

        Args:
            local: answers what is not kept.
            pool: the models.
            settings: whether, and how much is kept.
            paths: where the runtime is, and the service's own folder.
        """
        self._local = local
        self._pool = pool
        self._engine = _spell_engine(paths.runtime)
        off = _why_off(settings, paths)
        keeper = None
        self._folder = paths.state / "answers" if paths.state else None
        if not off and self._folder:
            limits = Limits(most_bytes=settings.answers_bytes, keep_s=settings.answers_keep_s)
            keeper = Keeper(self._folder, paths.runtime, limits)
        else:
            _log.info("answers are not kept: %s", off)
        self._is_on = keeper is not None
        self.cache = AnswerCache(keeper, self._vector, off)

    def served(self) -> Sequence[Served]:
        """The models that can be asked now."""
        return self._local.served()

    async def answer(self, route: Route, wish: Wish) -> Answer:
        """The kept answer, or the model's.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the request cannot be.
            ModelError: it cannot be answered now.
        """
        entry = self._pool.catalog.find(route.model)
        source = self._source(entry)
        question = self.cache.question(wish, source) if source else None
        if question is None:
            return await self._local.answer(route, wish)
        found = await self.cache.lookup(question, route)
        if found is not None:
            return found
        answer = await self._local.answer(route, wish)
        question.source = self._source(entry) or question.source  # by now the model is loaded
        return self.cache.record(question, answer)

    async def embed(self, route: Route, request: EmbedRequest) -> Embedded:
        """The vectors of texts; they are not kept.

        Raises:
            UnknownModelError: no such model.
            InvalidRequestError: the model makes none.
            ModelError: it cannot answer now.
        """
        return await self._local.embed(route, request)

    async def clear(self) -> int:
        """Erase the kept answers of everybody; how many there were, where that is known.

        Where none are kept any more, those of earlier days are not counted.

        Raises:
            ServiceUnavailableError: nobody knows whether they are gone.
        """
        if self._is_on:
            cleared = await self.cache.clear()
            if cleared is None:
                why = self.cache.reason or "the process that keeps them does not answer"
                raise ServiceUnavailableError(f"kept answers may not be erased: {why}")
            return cleared
        if self._folder:
            try:
                await asyncio.to_thread(shutil.rmtree, self._folder)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise ServiceUnavailableError(f"kept answers are not erased: {error.strerror}") from error
        return 0

    def _source(self, entry: Entry) -> Source | None:
        """Who would answer; None: nobody can now, or it is not certain who."""
        if not entry.from_manifest or entry.expected.sha256 is None:
            return None
        state, _ = self._pool.state(entry)
        if state in (State.NO_MODEL, State.FAILED):
            return None
        slot = self._pool.slot(entry.id)
        loaded = slot.supervisor.loaded if slot and slot.supervisor else None
        return Source(
            model=entry.id, file=entry.expected.sha256, engine=self._engine, defaults=entry.sampling,
            template=loaded.template_sha256 if loaded else "",
        )  # fmt: skip

    async def _vector(self, text: str) -> tuple[str, tuple[float, ...]] | None:
        """By an embedding model that is loaded; none is loaded for this."""
        entry = next((each for each in self._pool.catalog.present() if self._embeds_now(each)), None)
        if entry is None:
            return None
        try:
            request = EmbedRequest(inputs=(Text(text=text),))
            embedded = await self._local.embed(Route(model=entry.id), request)
        except SigmaVaultError as error:
            _log.info("no vector of a question: %s", error.code)
            return None
        file = self._pool.catalog.locate(entry)
        maker = f"{entry.id} {entry.expected.sha256 or (file and identify(file))} {self._engine}"
        return hashlib.sha256(maker.encode()).hexdigest()[:16], embedded.vectors[0]

    def _embeds_now(self, entry: Entry) -> bool:
        return Purpose.EMBEDDING in entry.purpose and self._pool.state(entry)[0] is State.READY


def _why_off(settings: Reuse, paths: env.Paths) -> str:
    """Why no answer is kept; empty: they are."""
    if not settings.answers:
        return "switched off in ryzan.toml"
    if paths.state is None:
        return "the service has no folder of its own"
    if not (paths.runtime / "python/qdrant_edge").is_dir():
        return "Qdrant Edge is not in the runtime"
    return ""


def _spell_engine(runtime: Path) -> str:
    """Which programs compute an answer: this product's version, and the files of llama.cpp."""
    parts = [sigmavault.__version__]
    for name in _ENGINE_FILES:
        try:
            file = (runtime / name).stat()
        except OSError:
            continue
        parts.append(f"{file.st_size}:{file.st_mtime_ns}")
    return " ".join(parts)
