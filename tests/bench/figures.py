"""The bars, and whether what was measured meets them. Pure; what nobody measured meets nothing."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

OURS, PEER, LOOP = "ryzan", "llama-server", "bare loop"

BEGIN = "<!-- made by `make bench-ryzan`: what is between here and the end mark is overwritten -->"
END = "<!-- end -->"


@dataclass(kw_only=True, slots=True)
class ModelFigures:
    """What was measured with one model.

    Attributes:
        id: of the model.
        sha256: of its file.
        size: of its file, bytes.
        kv_bytes: of keys and values, per token.
        samples: by measure, by who was measured.
        missing: by measure, why there are none.
    """

    id: str
    sha256: str = ""
    size: int = 0
    kv_bytes: int = 0
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Figures:
    """A whole run.

    Attributes:
        when: day.
        commit: of the checkout.
        machine: what it was measured on.
        threads: that everybody computed with.
        rounds: of each measure.
        others: share of the machine that other programs took meanwhile, by model.
        bandwidth: bytes per second that so many threads read.
        models: by model.
        memory: PSS and RSS of the service without a model, bytes.
        soak: what came of many clients that hang up.
    """

    when: str = ""
    commit: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    threads: int = 0
    rounds: int = 0
    others: dict[str, float] = field(default_factory=dict)
    bandwidth: float = 0.0
    models: list[ModelFigures] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    soak: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table.

    Attributes:
        ours: figure of the service.
        beside: figure that it is held against.
        result: the ratio or the difference, which the bar is about.
        met: None where nothing was measured.
    """

    what: str
    bar: str
    ours: str = ""
    beside: str = ""
    result: str = "not measured"
    met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contest:
    """A bar on the ratio to llama-server."""

    key: str
    what: str
    least: float


_CONTESTS = (
    _Contest(key="decode one", what="decode, 1 request, tokens/s", least=1.0),
    _Contest(key="decode eight", what="decode, 8 requests at once, tokens/s of all", least=1.2),
    _Contest(key="prefill", what="prefill of a 1,500-token prompt, tokens/s", least=0.97),
)
MOST_OTHERS = 0.1
"""Share of the machine that others may take: beyond it a ratio says who yields to them, not who is faster."""
_MOST_AGAIN, _MOST_OWN_MS, _MOST_DRIFT, _MOST_MEMORY = 0.05, 5.0, 0.05, 120e6


def ratios(ours: Sequence[float], other: Sequence[float]) -> list[float]:
    """Of samples that were taken in turn: each to its neighbour, so that drift of the machine cancels out."""
    if len(ours) != len(other):
        raise ValueError(f"{len(ours)} samples beside {len(other)}")
    return [a / b for a, b in zip(ours, other, strict=True)]


def spread(samples: Sequence[float], digits: int) -> str:
    """Median, least and most."""
    middle, least, most = statistics.median(samples), min(samples), max(samples)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def ceiling(model: ModelFigures, bandwidth: float, tokens: float) -> float:
    """Tokens per second that reading all weights and so many tokens' keys and values allows at most."""
    return bandwidth / (model.size + model.kv_bytes * tokens)


def model_rows(model: ModelFigures) -> Iterator[Row]:
    """The lines of one model."""
    for contest in _CONTESTS:
        yield _ratio_row(model, contest)
    yield _again_row(model)
    yield _own_row(model)


def _ratio_row(model: ModelFigures, contest: _Contest) -> Row:
    bar = f"≥ {contest.least:g} × llama-server"
    samples = model.samples.get(contest.key, {})
    if not samples.get(OURS) or not samples.get(PEER):
        return _missing(model, contest.key, contest.what, bar)
    found = ratios(samples[OURS], samples[PEER])
    loop = f"; {LOOP} {statistics.median(samples[LOOP]):.0f}" if samples.get(LOOP) else ""
    return Row(
        what=contest.what, bar=bar, ours=spread(samples[OURS], 0),
        beside=f"{PEER} {spread(samples[PEER], 0)}{loop}", result=f"{spread(found, 2)} ×",
        met=statistics.median(found) >= contest.least,
    )  # fmt: skip


def _again_row(model: ModelFigures) -> Row:
    what = "first token of a 1,500-token prompt seen before a restart, ms"
    bar = f"≤ {_MOST_AGAIN:g} × cold"
    samples = model.samples.get("again", {})
    if not samples:
        return _missing(model, "again", what, bar)
    found = ratios(samples["again"], samples["cold"])
    return Row(
        what=what, bar=bar, ours=spread(samples["again"], 0), beside=f"cold {spread(samples['cold'], 0)}",
        result=f"{spread(found, 3)} ×", met=statistics.median(found) <= _MOST_AGAIN,
    )  # fmt: skip


def _own_row(model: ModelFigures) -> Row:
    what, bar = "our time per request beyond the engine's, ms", f"≤ {_MOST_OWN_MS:g} ms"
    samples = model.samples.get("own time", {})
    if not samples:
        return _missing(model, "own time", what, bar)
    return Row(
        what=what, bar=bar, ours=spread(samples[OURS], 1), beside=f"{LOOP} {spread(samples[LOOP], 1)}",
        result=f"{spread(samples['own'], 1)} ms", met=statistics.median(samples["own"]) <= _MOST_OWN_MS,
    )  # fmt: skip


def _missing(model: ModelFigures, key: str, what: str, bar: str) -> Row:
    why = model.missing.get(key, "")
    return Row(what=what, bar=bar, result=f"not measured: {why}" if why else "not measured")


def service_rows(figures: Figures) -> Iterator[Row]:
    """The lines that belong to no model."""
    yield _memory_row(figures.memory)
    yield _soak_row(figures.soak)
    what = "quota cut from 2 CPUs to 0.6 while generating"
    yield Row(what=what, bar="in proportion × 1.3", result="not measured here: needs a cgroup (`tests/vm`)")


def _memory_row(memory: Mapping[str, int]) -> Row:
    what, bar = "memory without a model, all processes", f"< {_MOST_MEMORY / 1e6:.0f} MB"
    if not memory:
        return Row(what=what, bar=bar)
    ours = f"{memory['pss'] / 1e6:.0f} MB PSS"
    # the stricter of the two decides: nothing is shared with anybody on a machine where it runs alone
    return Row(
        what=what, bar=bar, ours=ours, result=f"{memory['rss'] / 1e6:.0f} MB RSS",
        met=memory["rss"] < _MOST_MEMORY,
    )  # fmt: skip


def _soak_row(soak: Mapping[str, Any]) -> Row:
    bar = f"nothing left, none stuck, RSS within {_MOST_DRIFT:.0%}"
    if not soak:
        return Row(what="100 clients that hang up at random, 10 minutes", bar=bar)
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(soak["outcomes"].items()))
    state = "all well" if soak["sound"] else f"left {soak['left']}, {'; '.join(soak['failures'])}"
    return Row(
        what=f"{soak['clients']} clients that hang up at random, {soak['seconds']:.0f} s", bar=bar,
        ours=outcomes, beside=state, result=f"RSS {soak['drift']:+.1%}",
        met=bool(soak["sound"]) and abs(soak["drift"]) <= _MOST_DRIFT,
    )  # fmt: skip


def render(figures: Figures) -> str:
    """The section of docs/performance.md, without its marks."""
    parts = [_heading(figures)]
    for model in figures.models:
        share = figures.others.get(model.id, 0.0)
        busy = f" Other programs took {share:.0%} of the machine meanwhile."
        rows = list(model_rows(model))
        if share > MOST_OTHERS:
            busy += " That is too much: whether the bars are met stays open."
            rows = [replace(row, met=None) for row in rows]
        parts.append(f"**{model.id}**, {model.size / 1e6:.0f} MB, sha256 `{model.sha256}`.{busy}")
        parts.append(_table(rows))
        if limit := _limit(figures, model):
            parts.append(limit)
    parts += ["**The service**", _table(list(service_rows(figures)))]
    return "\n\n".join(parts) + "\n"


def _heading(figures: Figures) -> str:
    where = "; ".join(value for value in figures.machine.values() if value)
    return (
        f"Measured {figures.when} at {figures.commit or 'an unknown commit'} on {where}; {figures.threads}"
        f" threads for everybody, {figures.rounds} rounds in turn; median (least to most)."
    )


def _table(rows: Sequence[Row]) -> str:
    words = {True: "yes", False: "**no**", None: "open"}
    lines = ["| what | bar | ryzan | beside | result | met |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.bar} | {row.ours} | {row.beside} | {row.result} | {words[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _limit(figures: Figures, model: ModelFigures) -> str:
    """What the memory's bandwidth allows."""
    ours = model.samples.get("decode one", {}).get(OURS)
    if not ours or not figures.bandwidth:
        return ""
    most = ceiling(model, figures.bandwidth, tokens=_MEAN_CONTEXT)
    return (
        f"Ceiling: memory is read at {figures.bandwidth / 1e9:.1f} GB/s by {figures.threads} threads, which"
        f" allows {most:.0f} tokens/s for one request; ryzan reaches"
        f" {statistics.median(ours) / most:.0%} of it."
    )


_MEAN_CONTEXT = 170
"""Tokens in the context, on average, while 256 are decoded after a short prompt."""


def place(document: str, section: str) -> str:
    """The document with the section between its marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END} in the document")
    return f"{before}{BEGIN}\n\n{section}\n{END}{after}"
