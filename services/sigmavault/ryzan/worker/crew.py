"""How many threads compute the next step: fewer while other programs want the CPUs.

The threads of a step wait for each other after every operation, so one that must share its CPU holds up
all of them: beside one busy program on two CPUs, two threads were measured to be 2 to 25 times slower than
one. Whether that is so shows in the CPU time that a step got. Then fewer threads are tried for a few steps,
and kept if they are faster; from time to time one more is tried. On a quiet machine nothing is ever tried.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_STARVED = 0.8
"""Threads that got less than this share of a CPU each had to share it."""

_FASTER = 0.95
"""A trial must take less than this share of the usual time."""

_HOPELESS = 2.0
"""A trial with a step that takes so many times the usual time is over."""

_LEAST_READ = 32
"""Rows of a step that reads a prompt: fewer say nothing about the time that a row takes."""

_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 4.0


@dataclass(slots=True)
class _Patience:
    """When the next trial in one direction is due, in seconds of work."""

    pause_s: float = _PAUSE_S
    left_s: float = 0.0

    def pass_(self, seconds: float) -> None:
        self.left_s -= seconds

    def lose(self) -> None:
        """It was in vain: wait longer before the next."""
        self.left_s = self.pause_s
        self.pause_s = min(2 * self.pause_s, _LONGEST_PAUSE_S)

    def relax(self, seconds: float) -> None:
        """It goes well: what was learnt about the others grows old."""
        self.pause_s = max(_PAUSE_S, self.pause_s - seconds)


@dataclass(slots=True)
class _Trial:
    """Steps with another number of threads."""

    threads: int
    is_warm: bool = False
    taken: list[float] = field(default_factory=list)


class Crew:
    """The threads for steps of one kind, whose work per row is comparable."""

    def __init__(self, *, usual: int = 4, tried: int = 4) -> None:
        """Of one thread; `limit` allows more.

        Args:
            usual: steps that say how long one takes.
            tried: steps of a trial, beside a first one in which threads wake up.
        """
        self._most = self._count = 1
        self._tried = tried
        self._steps: deque[tuple[float, float]] = deque(maxlen=usual)
        self._rows = 0
        self._trial: _Trial | None = None
        self._fewer, self._more = _Patience(), _Patience()
        self._drop = 1
        """Threads less in the next trial: as long as one of them shares its CPU, all are slow."""

    def limit(self, most: int) -> None:
        """So many threads may compute at most; all of them do, to begin with."""
        if most != self._most:
            self._most = self._count = most
            self._forget()

    @property
    def threads(self) -> int:
        """Threads for the next step."""
        return self._trial.threads if self._trial else self._count

    @property
    def is_short(self) -> bool:
        """Whether there are fewer than allowed."""
        return self._count < self._most

    def learn(self, rows: int, seconds: float, cpu: float, *, units: int = 1) -> None:
        """Take in how a step went.

        Args:
            rows: only steps of equally many are compared.
            seconds: that it took by the clock.
            cpu: seconds of CPU time that all threads got in it.
            units: of work in it; steps are compared by the time that one unit takes.
        """
        if self._most == 1:
            return
        for each in (self._fewer, self._more):
            each.pass_(seconds)
        if rows != self._rows:
            self._rows = rows
            self._forget()
            return
        if self._trial:
            self._judge(self._trial, seconds / units)
            return
        self._steps.append((seconds / units, cpu / units))
        if len(self._steps) == self._steps.maxlen:
            self._consider(seconds)

    def pass_by(self, seconds: float) -> None:
        """A step whose time says nothing; it must not keep back a thread for longer than others do."""
        self._more.pass_(seconds)
        if self.is_short and self._more.left_s <= 0:
            self._count += 1
            self._more.lose()
            self._forget()

    def _forget(self) -> None:
        self._steps.clear()
        self._trial = None

    def _is_starved(self) -> bool:
        taken = sum(seconds for seconds, _ in self._steps)
        return sum(cpu for _, cpu in self._steps) < _STARVED * self._count * taken

    def _consider(self, seconds: float) -> None:
        if self._count > 1 and self._is_starved():
            if self._fewer.left_s <= 0:
                self._trial = _Trial(max(1, self._count - self._drop))
        elif self.is_short:
            if self._more.left_s <= 0:
                self._trial = _Trial(self._count + 1)
        else:
            self._more.relax(seconds)
            self._fewer.relax(seconds)

    def _judge(self, trial: _Trial, seconds: float) -> None:
        usual = statistics.median(taken for taken, _ in self._steps)
        hopeless = seconds > _HOPELESS * usual
        if trial.is_warm or hopeless:
            trial.taken.append(seconds)
        trial.is_warm = True
        if hopeless or len(trial.taken) == self._tried:
            self._end(trial, won=statistics.mean(trial.taken) < _FASTER * usual)

    def _end(self, trial: _Trial, *, won: bool) -> None:
        falls = trial.threads < self._count
        self._drop = 2 * self._drop if falls and not won else 1
        if won == falls:  # for now there should not be more
            self._more.lose()
        else:
            self._fewer.lose()
        if won:
            self._count = trial.threads
        self._forget()


class Crews:
    """The threads for every kind of step."""

    def __init__(self) -> None:
        self._one, self._several = Crew(), Crew()
        self._reading = Crew(usual=2, tried=1)

    def limit(self, one: int, several: int) -> None:
        """So many threads may compute at most.

        Args:
            one: while one answer is written.
            several: while several are, or a prompt is read.
        """
        self._one.limit(one)
        self._several.limit(several)
        self._reading.limit(several)

    def compute[T](self, rows: int, step: Callable[[int], T], *, reads: bool) -> T:
        """Run a step and learn from it.

        Args:
            rows: that it computes.
            step: given the number of threads.
            reads: whether some of the rows are of a prompt.
        """
        crew = self._reading if reads else self._one if rows == 1 else self._several
        wall, cpu = time.perf_counter(), time.process_time()
        result = step(crew.threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not reads:
            crew.learn(rows, wall, cpu)
        elif rows >= _LEAST_READ:
            crew.learn(1, wall, cpu, units=rows)
        else:
            crew.pass_by(wall)
        return result

    @property
    def is_short(self) -> bool:
        """Whether answers are written by fewer than allowed."""
        return self._one.is_short or self._several.is_short
