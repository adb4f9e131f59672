"""Which objects are being changed, by what, since when. Pure: the clock is passed in.

A second change of the same object is refused at once, never queued: it was planned on a state that is about
to be another one. A pool and all its datasets overlap, and so do a dataset and those below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sigmavault.core.errors import ObjectBusyError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    names: tuple[str, ...]
    what: str
    since: float


class LockBook:
    """The objects that are taken, by the names in `Plan.locks`: `pool:tank`, `disk:SERIAL`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._held: list[_Held] = []

    def take(self, names: Iterable[str], what: str) -> Callable[[], None]:
        """Take all of them, or none; returns what gives them back (harmless when called twice).

        Args:
            names: as in `Plan.locks`.
            what: who takes them, for those who come later: `Create the pool tank (job 7)`.

        Raises:
            ObjectBusyError: one of them is taken: what does it, since when.
        """
        wanted = tuple(names)
        for held in self._held:
            for name in wanted:
                if any(overlap(name, other) for other in held.names):
                    since = datetime.fromtimestamp(held.since, UTC).isoformat(timespec="seconds")
                    raise ObjectBusyError(
                        f"{spelled(name)} is busy: {held.what}, since {since}", "wait for it, or cancel it"
                    )
        mine = _Held(names=wanted, what=what, since=self._clock())
        self._held.append(mine)

        def give_back() -> None:
            self._held = [each for each in self._held if each is not mine]

        return give_back

    @contextmanager
    def holding(self, names: Iterable[str], what: str) -> Iterator[None]:
        """`take` for the length of a block."""
        give_back = self.take(names, what)
        try:
            yield
        finally:
            give_back()


def spelled(name: str) -> str:
    """`pool:tank` → `pool tank`."""
    return name.replace(":", " ", 1)


def overlap(one: str, other: str) -> bool:
    """Whether two names stand for objects that cannot be changed at the same time."""
    if one == other:
        return True
    first, second = _place(one), _place(other)
    return first is not None and second is not None and first[: len(second)] == second[: len(first)]


def _place(name: str) -> tuple[str, ...] | None:
    """Where an object stands in the tree of its pool; None for what is in no pool."""
    kind, _, rest = name.partition(":")
    return tuple(rest.partition("@")[0].split("/")) if kind in {"pool", "dataset", "snapshot"} else None
