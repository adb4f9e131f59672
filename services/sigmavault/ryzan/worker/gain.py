"""What guessing brings on this machine: the same few prompts answered with and without, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from sigmavault.core.chat import (
    Conversation,
    Event,
    GenerateRequest,
    Message,
    Prompt,
    Reuse,
    Role,
    Sampling,
    Text,
    Tokens,
)
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.pace import Meter
from sigmavault.ryzan.worker.speculate import Guesses, Proposer
from sigmavault.ryzan.worker.verdict import ALONE, Verdict, judge

LIMIT_S = 10.0
"""Of the whole measurement; what is not known by then is not worth knowing."""

_TOKENS = 64
_FEWEST = 8
_LEAST_PROMPTS = 2

_STEADY = 0.85
"""Each prompt is answered without guesses before and after the rest. Where the slower of the two has less
than this share of the other's speed, something else disturbed the machine, and the prompt says nothing."""

_SHARE = "[media]\npath = /tank/media\nread only = no\nguest ok = no\nvalid users = @family\n"
_TEXTS = (
    f"Repeat this file unchanged, but with the share named films:\n{_SHARE}",  # much of the answer is there
    "Explain in a few sentences why a snapshot is not a backup.",  # nothing of it is
    'Write this as JSON, one object for each disk with the keys "disk", "size" and "state": '
    "sda 4 TB online, sdb 4 TB online, sdc 8 TB faulted, sdd 8 TB online.",
    "Tell a short story about a lighthouse keeper and a lost ship.",
)
_PLAIN = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=0)
_NUMBER = 0
"""Of the requests; the service's begin with 1."""


def prompts(*, converses: bool) -> tuple[Prompt, ...]:
    """What is asked, the way that the model is asked by others."""
    if not converses:
        return tuple(Text(text=each) for each in _TEXTS)
    return tuple(Conversation(messages=(Message(role=Role.USER, content=each),)) for each in _TEXTS)


def measure(
    engine: Engine,
    asked: Sequence[Sequence[int]],
    proposers: Mapping[str, Proposer],
    is_wanted: Callable[[], bool],
) -> Verdict | None:
    """Compare each of the proposers with none; None: interrupted, disturbed, or too slow for the time.

    Args:
        engine: it has nothing to do.
        asked: prompts as tokens.
        proposers: what guesses, by name.
        is_wanted: whether somebody asks the engine for something: the measurement ends within a step.
    """
    end = time.monotonic() + LIMIT_S
    most_s = 0.8 * LIMIT_S / ((len(proposers) + 2) * len(asked))
    runs: dict[str, list[float]] = {kind: [] for kind in (ALONE, *proposers)}
    emit, meter, guesses = engine.emit, engine.meter, engine.guesses
    engine.emit, engine.guesses = _to_nobody, Guesses()
    try:
        for prompt in asked:
            rates: list[float] = []
            for proposer in (None, *proposers.values(), None):
                engine.speculate(proposer)
                rates.append(
                    _rate(engine, list(prompt), most_s, lambda: is_wanted() or time.monotonic() > end)
                )
            if not all(rates):
                break
            before, *guessing, after = rates
            if min(before, after) >= _STEADY * max(before, after):
                for kind, rate in zip(runs, ((before + after) / 2, *guessing), strict=True):
                    runs[kind].append(rate)
    finally:
        engine.emit, engine.meter, engine.guesses = emit, meter, guesses
        engine.speculate(None)
    enough = len(runs[ALONE]) >= _LEAST_PROMPTS and not is_wanted()
    return judge(runs) if enough else None


def _rate(engine: Engine, prompt: list[int], most_s: float, should_end: Callable[[], bool]) -> float:
    """Tokens per second of one answer without reading its prompt; 0: it was ended before enough of them."""
    if should_end():
        return 0.0
    request = GenerateRequest(
        prompt=Tokens(tokens=()), sampling=_PLAIN, max_tokens=_TOKENS, reuse=Reuse(enabled=False)
    )
    engine.meter = Meter()
    engine.ask(_NUMBER, prompt, request)
    began = 0.0
    ended = False
    while engine.busy and not ended:
        engine.step()
        if not began and engine.meter.tokens:  # the step that read the prompt's end
            engine.meter, began = Meter(), time.monotonic()
        is_slow = began > 0 and time.monotonic() - began > most_s and engine.meter.tokens >= _FEWEST
        ended = should_end()
        if ended or is_slow:
            engine.cancel(_NUMBER)
    return 0.0 if ended or engine.meter.tokens < _FEWEST else engine.meter.rate


def _to_nobody(_number: int, _event: Event) -> None:
    pass
