"""What HTTP counts and measures of itself, and all of `/metrics`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields

from sigmavault.contract.ryzan1 import State
from sigmavault.core.wish import (
    Answer,
    AnswerEvent,
    AnswerStarted,
    CallDelta,
    ChoiceFinished,
    ContentDelta,
    Route,
)
from sigmavault.ryzan.metrics import Counter, Family, Histogram, Kind, Sample, expose, gauge
from sigmavault.ryzan.service import Counters, ModelStatus, Status

_PREFIX = "sigmavault_ryzan_"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0)
_RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)


class Figures:
    """What happened on HTTP since the service started."""

    def __init__(self) -> None:
        self.requests = Counter(
            name=f"{_PREFIX}http_requests_total",
            help="HTTP requests, by what came of them.",
            labels=("route", "method", "status"),
        )
        self.durations = Histogram(
            name=f"{_PREFIX}http_request_duration_seconds",
            help="From the first byte of a request to the last byte of its answer.",
            bounds=_SECONDS,
            labels=("route",),
        )
        self.first_token = Histogram(
            name=f"{_PREFIX}time_to_first_token_seconds",
            help="From a request to the first token of its answer.",
            bounds=_SECONDS,
            labels=("model",),
        )
        self.rate = Histogram(
            name=f"{_PREFIX}request_tokens_per_second",
            help="Tokens of one answer by the time from its first to its last.",
            bounds=_RATES,
            labels=("model",),
        )
        self.prompt_tokens = Counter(
            name=f"{_PREFIX}prompt_tokens_total", help="Tokens of all prompts.", labels=("model",)
        )
        self.cached_tokens = Counter(
            name=f"{_PREFIX}prompt_tokens_cached_total",
            help="Tokens of prompts that were not computed again.",
            labels=("model",),
        )
        self.completion_tokens = Counter(
            name=f"{_PREFIX}completion_tokens_total", help="Tokens of all answers.", labels=("model",)
        )

    def families(self) -> Iterator[Family]:
        """All of it."""
        for each in (
            self.requests, self.durations, self.first_token, self.rate,
            self.prompt_tokens, self.cached_tokens, self.completion_tokens,
        ):  # fmt: skip
            yield each.family()


class Watched:
    """An answer whose tokens and times are counted; see `core.wish.Answer`.

    Args:
        answer: to be counted.
        figures: that count.
        asked: when the request came, by `time.perf_counter()`.
    """

    def __init__(self, answer: Answer, figures: Figures, asked: float) -> None:
        self._answer = answer
        self._figures = figures
        self._asked = asked
        self._first: float | None = None
        self._tokens = 0
        self.cancel = answer.cancel

    @property
    def route(self) -> Route:
        """Who answers, and why."""
        return self._answer.route

    async def next(self) -> AnswerEvent | None:
        """What happens next."""
        event = await self._answer.next()
        if self._first is None and isinstance(event, ContentDelta | CallDelta):
            self._first = time.perf_counter()
            self._figures.first_token.observe(self._first - self._asked, self._answer.route.model)
        elif isinstance(event, AnswerStarted):
            model = self._answer.route.model
            self._figures.prompt_tokens.add(model, by=event.prompt_tokens)
            self._figures.cached_tokens.add(model, by=event.cached_tokens)
        elif isinstance(event, ChoiceFinished):
            self._tokens += event.completion_tokens
            self._figures.completion_tokens.add(self._answer.route.model, by=event.completion_tokens)
        elif event is None:
            self._end()
        return event

    def _end(self) -> None:
        # the first token comes at the beginning of the time that is measured
        if self._first is not None and self._tokens > 1:
            took = time.perf_counter() - self._first
            if took > 0:
                self._figures.rate.observe((self._tokens - 1) / took, self._answer.route.model)


def _waiting(model: ModelStatus) -> float:
    # the two numbers are not of the same moment: there is never less than nobody
    return max(0, model.active_requests - model.active_sequences)


_MODEL_GAUGES = (
    ("model_loaded", "Whether the model is loaded.", lambda m: float(m.state is State.READY)),
    ("model_memory_bytes", "Resident memory of the model's process.", lambda m: m.memory_bytes),
    ("model_threads", "Threads that compute.", lambda m: m.threads),
    ("model_context_tokens", "Longest prompt plus answer.", lambda m: m.context_tokens),
    ("model_active_requests", "Requests being answered or waiting.", lambda m: m.active_requests),
    ("model_active_sequences", "Answers being computed now.", lambda m: m.active_sequences),
    ("queue_length", "Requests that wait for their turn.", _waiting),
    ("model_tokens_per_second", "Of the last answers, all together.", lambda m: m.tokens_per_second),
    ("prefix_ram_bytes", "Memory of the kept states of prompts.", lambda m: m.kept_ram_bytes),
    ("prefix_disk_bytes", "Disk space of the kept states of prompts.", lambda m: m.kept_disk_bytes),
)
_MODEL_COUNTERS = (
    ("prefix_hits_total", "Prompts that began with a kept state.", lambda m: m.prefix_hits),
    ("prefix_misses_total", "Prompts that did not begin with a kept state.", lambda m: m.prefix_misses),
    ("prefix_tokens_saved_total", "Prompt tokens not computed again.", lambda m: m.prefix_tokens_saved),
    ("guesses_tried_total", "Tokens of answers that were guessed ahead.", lambda m: m.guesses_tried),
    ("guesses_held_total", "Guesses that the model itself would have chosen.", lambda m: m.guesses_held),
)
_COUNTER_HELP = {
    "loads": "Models that became ready.",
    "load_failures": "Loads that ended with a reason instead.",
    "evictions": "Models unloaded to make room for another.",
    "idle_unloads": "Models unloaded because nobody asked.",
    "restarts": "Model processes that died and were started again.",
    "refused_busy": "Requests turned away because too many waited.",
    "refused_memory": "Loads refused for want of memory.",
    "failovers": "Requests that a local model answered because another server was gone.",
    "answer_hits": "Requests answered out of the answer cache.",
    "answer_near_hits": "Those of them that got the answer to a similar question.",
    "answer_misses": "Requests that might have been answered out of the answer cache and were not.",
    "answer_tokens_saved": "Tokens of prompts and answers that the answer cache spared.",
    "answers_stored": "Answers that were kept.",
    "answers_evicted": "Kept answers that had to go, for their age or for others.",
}


def _of_models(models: tuple[ModelStatus, ...]) -> Iterator[Family]:
    labelled = [(each, [("model", each.id), ("backend", each.backend)]) for each in models]
    for kind, table in ((Kind.GAUGE, _MODEL_GAUGES), (Kind.COUNTER, _MODEL_COUNTERS)):
        for name, told, read in table:
            samples = [Sample(read(each), labels) for each, labels in labelled]
            yield Family(name=_PREFIX + name, kind=kind, help=told, samples=samples)


def _of_service(status: Status, counters: Counters) -> Iterator[Family]:
    yield gauge(f"{_PREFIX}info", "The service.", [Sample(1, [("version", status.version)])])
    yield gauge(
        f"{_PREFIX}ready", "Whether the default model answers.", [Sample(status.state is State.READY)]
    )
    told = "Resident memory of all processes of the service."
    yield gauge(f"{_PREFIX}memory_bytes", told, [Sample(status.memory_bytes)])
    told = "Whether answers are kept."
    yield gauge(f"{_PREFIX}answer_cache_on", told, [Sample(float(not status.answers_off))])
    yield gauge(f"{_PREFIX}answers_kept", "Answers in the cache.", [Sample(status.answers_kept)])
    yield gauge(f"{_PREFIX}answers_bytes", "Disk space of kept answers.", [Sample(status.answers_bytes)])
    for each in fields(counters):
        yield Family(
            name=f"{_PREFIX}{each.name}_total",
            kind=Kind.COUNTER,
            help=_COUNTER_HELP.get(each.name, each.name.replace("_", " ")),
            samples=[Sample(getattr(counters, each.name))],
        )


def metrics_text(figures: Figures, status: Status, counters: Counters) -> str:
    """The whole of `/metrics`."""
    families = [*_of_service(status, counters), *_of_models(status.models), *figures.families()]
    return expose(families)
