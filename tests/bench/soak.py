"""Many clients that hang up at random: does anything leak, or wait for ever?"""

from __future__ import annotations

import os
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.client import Connection, NoAnswerError
from tests.bench.measures import AT_ONCE, together
from tests.bench.processes import memory_bytes
from tests.bench.prompts import Prompt, reading, story
from tests.bench.servers import Ours
from tests.services.daemon import wait_until

_PATIENT = 0.2
"""Share of the requests that are read to their end."""
_CANCEL_WITHIN_S = 3.0
_STUCK_AFTER_S = 180.0
_SAMPLE_S = 0.25
_TOKENS = 64
_PROMPTS: Sequence[Prompt] = (*(story(number, "soak") for number in range(8)), reading(200, "soak"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What came of it.

    Attributes:
        seconds: how long it went.
        clients: at once.
        outcomes: requests by what became of them: finished, cancelled, turned away, failed, stuck.
        failures: what failed said, each once.
        rss: resident bytes of the model process, over time.
        left: requests that the service still counted when all clients were gone.
        together_after: of eight requests sent at once after that, those that were answered side by side: a
            sequence that was lost makes one wait for another.
        same_process: whether the model process of the beginning lived to the end.
    """

    seconds: float
    clients: int
    outcomes: dict[str, int]
    failures: list[str]
    rss: list[int]
    left: int
    together_after: int
    same_process: bool

    @property
    def drift(self) -> float:
        """How much more memory the last third of the time took than the first, as a share."""
        return drift(self.rss)

    @property
    def sound(self) -> bool:
        """Whether nothing leaked and nobody waited in vain."""
        bad = self.outcomes.get("failed", 0) + self.outcomes.get("stuck", 0)
        return not bad and not self.left and self.together_after == AT_ONCE and self.same_process


def drift(samples: Sequence[int]) -> float:
    """How much larger the last third of the samples is than the first, as a share of the first."""
    third = len(samples) // 3
    if not third:
        raise ValueError(f"{len(samples)} samples have no thirds")
    first = statistics.mean(samples[:third])
    return (statistics.mean(samples[-third:]) - first) / first


def soak(server: Ours, *, seconds: float, clients: int = 100, seed: int = 1) -> Soak:
    """Let clients ask and hang up for so long; then look what is left."""
    worker = server.worker()
    _side_by_side(server, "before")
    crowd = _Crowd(server, time.monotonic() + seconds)
    threads = [threading.Thread(target=crowd.client, args=(seed * 1000 + each,)) for each in range(clients)]
    for thread in threads:
        thread.start()
    rss: list[int] = []
    while any(thread.is_alive() for thread in threads):
        if time.monotonic() < crowd.end:
            rss.append(memory_bytes([worker])[1])
        time.sleep(_SAMPLE_S)
    return Soak(
        seconds=seconds, clients=clients, outcomes=dict(crowd.outcomes), failures=sorted(crowd.failures),
        rss=rss, left=_left(server), together_after=_side_by_side(server, "after"),
        same_process=_is_alive(worker) and server.worker() == worker,
    )  # fmt: skip


class _Crowd:
    """What the clients share."""

    def __init__(self, server: Ours, end: float) -> None:
        self.end = end
        self.outcomes: Counter[str] = Counter()
        self.failures: set[str] = set()
        self._server = server

    def client(self, seed: int) -> None:
        """Ask until the end; each client has its own luck."""
        luck = random.Random(seed)  # noqa: S311 - it is no secret
        while time.monotonic() < self.end:
            outcome = self._ask(luck)
            self.outcomes[outcome] += 1
            if outcome == "turned away":
                time.sleep(luck.uniform(0.05, 0.5))

    def _ask(self, luck: random.Random) -> str:
        patient = luck.random() < _PATIENT
        patience = _STUCK_AFTER_S if patient else luck.uniform(0.0, _CANCEL_WITHIN_S)
        path, body = self._server.body(luck.choice(_PROMPTS), _TOKENS)
        # sampled: a greedy answer may be kept and given again, and then nobody computes anything
        body |= {"temperature": 1, "seed": luck.getrandbits(32)}
        connection = Connection(self._server.port)
        try:
            connection.ask(path, body, until=time.monotonic() + patience)
        except TimeoutError:
            return "stuck" if patient else "cancelled"
        except NoAnswerError as error:
            if error.status == 429:
                return "turned away"
            self.failures.add(str(error)[:200])
            return "failed"
        finally:
            connection.close()
        return "finished"


def _side_by_side(server: Ours, seed: str) -> int:
    answers = together(server, _TOKENS, seed)
    first_end = min(answer.ended for answer in answers)
    return sum(answer.first < first_end for answer in answers)


def _left(server: Ours) -> int:
    def count() -> int:
        match = re.search(r'"active_requests" u (\d+)', server.service.status())
        assert match, "the status counts no requests"
        return int(match[1])

    try:
        wait_until("no request left", lambda: not count(), timeout_s=10)
    except AssertionError:
        return count()
    return 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
