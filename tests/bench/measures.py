"""What is measured: each function runs a part of the contest and gives its samples, in the order taken."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import prompts
from tests.bench.client import Answer, Connection
from tests.bench.servers import Model, Ours, Peer, Server

TOKENS_ONE, TOKENS_EIGHT, AT_ONCE = 256, 128, 8
ATTEMPTS = 4
READ, TINY = 1440, 20
SHORTEST = 0.9
"""An answer that ends before this share of the tokens asked for is no measurement of decoding."""

type Samples = dict[str, list[float]]
"""By the name of who was measured."""


class TooShortError(Exception):
    """The model ended its answer too early to measure its speed."""


class Bare:
    """The bare loop in its own process."""

    name = "bare loop"

    def __init__(self, model: Path, runtime: Path, threads: int, env: Mapping[str, str]) -> None:
        argv: list[str | Path] = [
            sys.executable, "-P", Path(__file__).with_name("bare.py"), model, runtime, str(threads),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **env}
        )

    def first_s(self, prompt: int) -> float:
        """Seconds for reading a prompt and choosing one token."""
        return self._do({"do": "first", "prompt": prompt})

    def rate(self, sequences: int, tokens: int) -> float:
        """Tokens per second of all sequences together."""
        seconds = self._do({"do": "decode", "sequences": sequences, "tokens": tokens})
        return sequences * tokens / seconds

    def _do(self, what: Mapping[str, object]) -> float:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline())["seconds"])

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def bare(model: Model, runtime: Path, threads: int, env: Mapping[str, str]) -> Iterator[Bare]:
    """The bare loop with the model loaded."""
    loop = Bare(model.file, runtime, threads, env)
    try:
        loop.first_s(TINY)
        yield loop
    finally:
        loop.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who takes part: all are loaded all the time, one works at a time.

    Attributes:
        ours: the model service.
        one: llama-server with one slot.
        eight: llama-server with eight.
        loop: llama.cpp without any server.
    """

    ours: Ours
    one: Peer
    eight: Peer
    loop: Bare

    def warm_up(self) -> None:
        """Everybody has answered once, and has touched all its memory."""
        for server in (self.ours, self.one, self.eight):
            server.ask(prompts.reading(300, f"warm {server.name}"), 8)
            together(server, 8, "warm")


def decode_one(contest: Contest, rounds: int) -> Samples:
    """Tokens per second of one request, from its first to its last token."""
    found: Samples = {}
    for turn in range(rounds):
        for server in _order(turn, contest.ours, contest.one):
            answer = _long_answer(server, turn)
            _note(found, server.name, answer.decode_rate)
            _note(found, f"{server.name}, whole", answer.whole_rate)
        _note(found, contest.loop.name, contest.loop.rate(1, TOKENS_ONE))
    return found


def _long_answer(server: Server, turn: int) -> Answer:
    for attempt in range(ATTEMPTS):
        answer = server.ask(prompts.story(turn, f"one {turn} {attempt}"), TOKENS_ONE)
        if answer.completion_tokens >= SHORTEST * TOKENS_ONE:
            return answer
    raise TooShortError(f"{server.name}: no answer of {TOKENS_ONE} tokens")


def decode_eight(contest: Contest, rounds: int) -> Samples:
    """Tokens per second of eight requests together, from the first sent to the last answered."""
    found: Samples = {}
    for turn in range(rounds):
        for server in _order(turn, contest.ours, contest.eight):
            answers = _long_answers(server, turn)
            seconds = max(each.ended for each in answers) - min(each.sent for each in answers)
            _note(found, server.name, sum(each.completion_tokens for each in answers) / seconds)
        _note(found, contest.loop.name, contest.loop.rate(AT_ONCE, TOKENS_EIGHT))
    return found


def _long_answers(server: Server, turn: int) -> list[Answer]:
    for attempt in range(ATTEMPTS):
        answers = together(server, TOKENS_EIGHT, f"eight {turn} {attempt}")
        if min(each.completion_tokens for each in answers) >= SHORTEST * TOKENS_EIGHT:
            return answers
    raise TooShortError(f"{server.name}: no eight answers of {TOKENS_EIGHT} tokens")


def prefill(contest: Contest, rounds: int) -> Samples:
    """Tokens per second until the first token, of a prompt that nobody has seen."""
    found: Samples = {}
    for turn in range(rounds):
        read = 0
        for server in _order(turn, contest.ours, contest.one):
            answer = server.ask(prompts.reading(READ, f"{turn} {server.name}"), 2)
            read = answer.prompt_tokens
            _note(found, server.name, answer.prefill_rate)
        _note(found, contest.loop.name, read / contest.loop.first_s(read))
    return found


def own_time(contest: Contest, rounds: int, requests: int = 20) -> Samples:
    """Milliseconds from a request for one token to its text: of the service, and of the engine alone.

    Both read equally many tokens: those that the service says it had kept are not asked of the engine.
    """
    found: Samples = {}
    connection = Connection(contest.ours.port)
    for turn in range(rounds):
        asked, alone = [], []
        for number in range(requests):
            answer = contest.ours.ask(prompts.reading(TINY, f"tiny {turn} {number}"), 1, connection)
            asked.append(answer.first_token_s)
            alone.append(contest.loop.first_s(answer.prompt_tokens - answer.cached_tokens))
        ours, engine = statistics.median(asked), statistics.median(alone)
        _note(found, contest.ours.name, ours * 1000)
        _note(found, contest.loop.name, engine * 1000)
        _note(found, "own", (ours - engine) * 1000)
    connection.close()
    return found


def first_tokens(server: Server, agents: int, question: str) -> list[Answer]:
    """What several agents, each with instructions of about 1,500 tokens and a key, answer to a question."""
    return [
        server.ask(prompts.agent(READ, f"agent {number}", question, key=f"bench-{number}"), 2)
        for number in range(agents)
    ]


def together(server: Server, tokens: int, seed: str) -> list[Answer]:
    """Eight answers to eight requests sent at the same moment."""
    start = threading.Barrier(AT_ONCE)

    def ask(number: int) -> Answer:
        connection = Connection(server.port)
        start.wait()
        try:
            return server.ask(prompts.story(number, seed), tokens, connection)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, range(AT_ONCE)))


def _order(turn: int, *servers: Server) -> tuple[Server, ...]:
    """A B, B A, A B …: whoever drifts, drifts for both."""
    return servers if turn % 2 == 0 else servers[::-1]


def _note(samples: Samples, name: str, value: float) -> None:
    samples.setdefault(name, []).append(value)


MEASURES: Mapping[str, Callable[[Contest, int], Samples]] = {
    "decode one": decode_one, "decode eight": decode_eight, "prefill": prefill, "own time": own_time,
}  # fmt: skip
"""By the names that `figures` knows them under."""
