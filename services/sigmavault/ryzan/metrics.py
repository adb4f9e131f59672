"""Figures in Prometheus' text format (version 0.0.4). Pure: counts what it is told, and spells it.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """What may be done with a figure."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


type Labels = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line.

    Attributes:
        value: of the figure.
        labels: names and values.
        suffix: after the name of the family.
    """

    value: float
    labels: Labels = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All lines of one name.

    Attributes:
        name: letters, digits and `_`.
        kind: of figure.
        help: what it says, one line.
        samples: in the order they are spelt.
    """

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]


@dataclass(slots=True, kw_only=True)
class Counter:
    """Something that only grows.

    Attributes:
        name: ends in `_total`.
        help: what it counts.
        labels: names of the labels.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    _values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, *values: str, by: float = 1) -> None:
        """Count, under these values of the labels."""
        self._values[values] = self._values.get(values, 0.0) + by

    def family(self) -> Family:
        """What was counted."""
        samples = [
            Sample(number, list(zip(self.labels, values, strict=True)))
            for values, number in self._values.items()
        ]
        return Family(name=self.name, kind=Kind.COUNTER, help=self.help, samples=samples)


@dataclass(slots=True)
class _Observed:
    counts: list[int]
    total: float = 0.0


@dataclass(slots=True, kw_only=True)
class Histogram:
    """How values are distributed.

    Attributes:
        name: with its unit at the end.
        help: what is measured.
        bounds: upper bounds of the buckets, ascending; everything above is in one more.
        labels: names of the labels.
    """

    name: str
    help: str
    bounds: tuple[float, ...]
    labels: tuple[str, ...] = ()
    _observed: dict[tuple[str, ...], _Observed] = field(default_factory=dict)

    def observe(self, value: float, *values: str) -> None:
        """Count a value, under these values of the labels."""
        seen = self._observed.get(values)
        if seen is None:
            seen = self._observed[values] = _Observed([0] * (len(self.bounds) + 1))
        seen.counts[bisect.bisect_left(self.bounds, value)] += 1
        seen.total += value

    def family(self) -> Family:
        """What was measured."""
        samples: list[Sample] = []
        for values, seen in self._observed.items():
            labels = list(zip(self.labels, values, strict=True))
            bounds = [*map(_number, self.bounds), "+Inf"]
            sums = list(itertools.accumulate(seen.counts))
            samples += [
                Sample(number, [*labels, ("le", bound)], "_bucket")
                for bound, number in zip(bounds, sums, strict=True)
            ]
            samples += [Sample(seen.total, labels, "_sum"), Sample(sums[-1], labels, "_count")]
        return Family(name=self.name, kind=Kind.HISTOGRAM, help=self.help, samples=samples)


def gauge(name: str, told: str, samples: Iterable[Sample]) -> Family:
    """Something that goes up and down, as it is now."""
    return Family(name=name, kind=Kind.GAUGE, help=told, samples=list(samples))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escape(value)}"' for key, value in sample.labels)
    return f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}\n"


def expose(families: Iterable[Family]) -> str:
    """All figures as text; families without a line are left out."""
    parts: list[str] = []
    for family in families:
        if not family.samples:
            continue
        parts.append(f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n")
        parts += [_line(family.name, sample) for sample in family.samples]
    return "".join(parts)
