"""Runs the real engine on the real model: every prompt alone, then all at once. A process of its own,
because native code may abort.

    engine_run.py MODEL RUNTIME CONTEXT TOKENS < prompts.json > results.json

A result is, per prompt, the tokens of the greedy answer and the margin at each: by how much the likeliest
token beat the next one, in logits.
"""

import json
import sys
from pathlib import Path

from sigmavault.core.chat import Event, Finished, GenerateRequest, Reuse, Sampling, Tokens
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama
from sigmavault.ryzan.worker.sampling import Choice, Probe, Sampler
from sigmavault.ryzan.worker.states import States

GREEDY = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1)
ANEW = Reuse(enabled=False)
SEQUENCES = 8


class Watched(Sampler):
    """Notes what is chosen and how clearly."""

    def __init__(self, probe: Probe, request: GenerateRequest) -> None:
        super().__init__(probe, request)
        self.notes: list[tuple[int, float]] = []

    def choose(self, row: int) -> Choice:
        (_, best), (_, next_best) = self._probe.likelihoods(row, 0, 2)[1:]
        choice = super().choose(row)
        self.notes.append((choice.token, best - next_best))
        return choice


class Watching(Llama):
    """Keeps the samplers it opens."""

    samplers: list[Watched]

    def open_sampler(self, request: GenerateRequest) -> Sampler:
        super().open_sampler(request).close()  # makes the probe
        assert self._probe is not None
        self.samplers.append(Watched(self._probe, request))
        return self.samplers[-1]


class Counting(Engine):
    """Counts its steps, and the requests that had to go back to the queue."""

    steps = sent_back = 0

    def step(self) -> None:
        self.steps += 1
        super().step()

    def _send_back(self) -> None:
        self.sent_back += 1
        super()._send_back()


def answer(
    llama: Watching, prompts: list[str], tokens: int
) -> tuple[list[list[tuple[int, float]]], Counting]:
    """Answers to all prompts, asked at once, and the engine that gave them."""
    llama.samplers = []
    finished: list[Finished] = []

    def emit(_number: int, event: Event) -> None:
        if isinstance(event, Finished):
            finished.append(event)

    engine = Counting(llama, States(identity=b"", ram_budget=0), emit)
    request = GenerateRequest(prompt=Tokens(tokens=()), sampling=GREEDY, max_tokens=tokens, reuse=ANEW)
    for number, prompt in enumerate(prompts):
        engine.ask(number, llama.tokenize(prompt, begin=True, special=False), request)
    while engine.busy:
        engine.step()
    assert len(finished) == len(prompts)
    return [each.notes for each in llama.samplers], engine


def main() -> None:
    model, runtime, context, tokens = sys.argv[1:]
    limits = Limits(context=int(context), sequences=SEQUENCES, batch=64)
    llama = Watching(Path(model), runtime=Path(runtime), limits=limits, threads=2)
    prompts = json.load(sys.stdin)
    alone = [answer(llama, [prompt], int(tokens))[0][0] for prompt in prompts]
    together, engine = answer(llama, prompts, int(tokens))
    counts = {"steps": engine.steps, "sent_back": engine.sent_back}
    json.dump({"alone": alone, "together": together, **counts}, sys.stdout)


main()
