"""What `sigmavault model bench` found, as a table for people and a document for programs. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sigmavault.cli.bench_client import Timed
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.cli.table import columns
from sigmavault.core.hardware import Bandwidth
from sigmavault.core.values import format_bytes, format_duration

_BUSY_SHARE = 0.25
"""Load average, as a share of the CPUs, from which on other work counts."""
_FEW_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the machine did otherwise.

    Attributes:
        load: its load average of the last minute before the measurement.
        cpus: that run.
        requests: of others, answered or waiting when it began.
        requests_after: the same when it ended.
    """

    load: float
    cpus: int
    requests: int
    requests_after: int

    @property
    def is_quiet(self) -> bool:
        """Whether the figures are those of this machine alone."""
        return self.load <= self.cpus * _BUSY_SHARE and not self.requests and not self.requests_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What was asked, one after the other.

    Attributes:
        ready: the first token of all; that took also the loading, when the model was not loaded.
        prefill: an answer of one token to a long prompt.
        one: one answer alone.
        together: several answers at once.
        bandwidth: of the memory, the better of two measurements; None where there is too little memory.
        cache_bytes: last-level caches, all together; 0 where unknown.
    """

    ready: Timed
    prefill: Timed
    one: Timed
    together: tuple[Timed, ...]
    bandwidth: Bandwidth | None
    cache_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """All figures of one model; speeds in tokens per second.

    Attributes:
        model: its id.
        threads: that compute, with `threads_reason`.
        quota_cpus: CPUs that the service is granted; 0: no limit.
        context_tokens: longest prompt plus answer.
        memory_bytes: resident memory of its process.
        runs: what was asked.
        size: of the model's file, in bytes; None where that is not known.
        ceiling: tokens per second of one answer that the bandwidth allows; None where that is not known.
        beside: what else went on.
    """

    model: str
    threads: int
    threads_reason: str
    quota_cpus: float
    context_tokens: int
    memory_bytes: int
    runs: Runs
    size: int | None
    ceiling: float | None
    beside: Beside

    def to_json(self) -> dict[str, object]:
        """A document for programs; sizes in bytes, times in seconds."""
        return {
            "model": self.model,
            "threads": {"generation": self.threads, "reason": self.threads_reason},
            "quota_cpus": self.quota_cpus or None,
            "context_tokens": self.context_tokens,
            "memory_bytes": self.memory_bytes,
            "ready_s": round(took(self.runs.ready), 3),
            "one": {**_answers([self.runs.one]), "first_token_s": round(took(self.runs.one), 4)},
            "together": _answers(self.runs.together),
            "prefill": {
                "tokens_s": _rounded(prefill_speed(self.runs.prefill)),
                "tokens": self.runs.prefill.prompt_tokens,
                "first_token_s": round(took(self.runs.prefill), 4),
            },
            "ceiling_tokens_s": _rounded(self.ceiling),
            "bandwidth_bytes_s": round(self.runs.bandwidth.read_bytes_s) if self.runs.bandwidth else None,
            "beside": {
                "load_average": round(self.beside.load, 2),
                "cpus": self.beside.cpus,
                "requests": self.beside.requests,
                "requests_after": self.beside.requests_after,
                "quiet": self.beside.is_quiet,
            },
        }


def took(answer: Timed) -> float:
    """Seconds until its first token."""
    return answer.first - answer.began


def speed(answers: Sequence[Timed]) -> float | None:
    """Tokens per second of all answers together, from the first token to the last; None: too few to tell.

    The first token of each belongs to its prompt.
    """
    tokens = sum(each.completion_tokens - 1 for each in answers)
    seconds = max(each.last for each in answers) - min(each.first for each in answers)
    return tokens / seconds if tokens >= _FEW_TOKENS and seconds > 0 else None


def prefill_speed(answer: Timed) -> float | None:
    """Tokens of the prompt per second, up to the first token; None where some were not computed."""
    seconds = took(answer)
    return None if answer.cached_tokens or seconds <= 0 else answer.prompt_tokens / seconds


def _answers(answers: Sequence[Timed]) -> dict[str, object]:
    return {
        "tokens_s": _rounded(speed(answers)),
        "requests": len(answers),
        "tokens": sum(each.completion_tokens for each in answers),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def render(bench: Bench, paint: Paint) -> str:
    """The table, and under what circumstances it is true."""
    plural = "s" if bench.threads != 1 else ""
    head = f"{bench.model} on {bench.threads} thread{plural}: {bench.threads_reason}"
    lines = [plain_line(head), "", *_table(bench, paint), "", *map(paint.dim, _remarks(bench))]
    if not bench.beside.is_quiet:
        lines.append(paint.bad("The machine was not idle: on an idle one the figures are higher."))
    return "\n".join(lines) + "\n"


def _table(bench: Bench, paint: Paint) -> Iterator[str]:
    one, prefill = bench.runs.one, bench.runs.prefill
    short, long = (f"prompt of {each.prompt_tokens} tokens" for each in (one, prefill))
    rows = [
        ("", "measured", "ceiling", ""),
        ("one answer", _speed(speed([one])), _ceiling(bench.ceiling), _share(bench)),
        (f"{len(bench.runs.together)} answers at once", _speed(speed(bench.runs.together)), "", ""),
        (long, _speed(prefill_speed(prefill)), "", ""),
        ("time to first token", format_duration(took(one)), "", short),
        ("", format_duration(took(prefill)), "", long),
        ("memory", format_bytes(bench.memory_bytes), "", f"{bench.context_tokens:,} tokens of context"),
    ]  # fmt: skip
    lines = columns(rows, (1, 2))
    yield paint.dim(next(lines))
    yield from lines


def _speed(value: float | None) -> str:
    return "too few tokens" if value is None else f"{value:.1f} tokens/s"


def _ceiling(value: float | None) -> str:
    return "not known" if value is None else f"≤ {value:.1f}"


def _share(bench: Bench) -> str:
    measured = speed([bench.runs.one])
    return f"{measured / bench.ceiling:.0%} of it" if measured and bench.ceiling else ""


def _remarks(bench: Bench) -> Iterator[str]:
    if bench.runs.bandwidth:
        read, threads = bench.runs.bandwidth.read_bytes_s / 1e9, bench.runs.bandwidth.threads
        plural = "s" if threads != 1 else ""
        yield f"ceiling: {read:.1f} GB/s of memory bandwidth, measured on {threads} thread{plural}"
    if bench.size and bench.size < bench.runs.cache_bytes:
        caches = format_bytes(bench.runs.cache_bytes)
        yield f"the model fits into the processor's caches ({caches}): it may pass that ceiling"
    if bench.quota_cpus:
        yield f"the service is granted {bench.quota_cpus:g} CPUs; the ceiling does not count that"
    load, cpus = bench.beside.load, bench.beside.cpus
    yield f"beside it: load average {load:.2f} on {cpus} CPUs, {bench.beside.requests} other requests"
