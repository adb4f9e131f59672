"""Runs the real engine on the real model: every prompt alone, then all at once. A process of its own,
because native code may abort.

    engine_run.py MODEL RUNTIME CONTEXT TOKENS < prompts.json > results.json

A result is, per prompt, the tokens of the greedy answer and the margin at each: by how much the likeliest
token beat the next one, in logits.
"""

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sigmavault.core.chat import Event, Finished, GenerateRequest, Sampling, Tokens
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama

GREEDY = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1)
SEQUENCES = 8


def address(sampler: Any) -> int:
    return ctypes.cast(sampler, ctypes.c_void_p).value or 0


class Watched(Llama):
    """Notes what is chosen and how clearly."""

    notes: dict[int, list[tuple[int, float]]]

    def open_sampler(self, sampling: Sampling) -> Any:
        sampler = super().open_sampler(sampling)
        self.notes[address(sampler)] = []
        return sampler

    def sample(self, sampler: Any, row: int) -> int:
        vocabulary = self._api.llama_vocab_n_tokens(self._vocab)
        logits = np.ctypeslib.as_array(self._api.llama_get_logits_ith(self._context, row), (vocabulary,))
        second, first = np.partition(logits, -2)[-2:]
        token = super().sample(sampler, row)
        self.notes[address(sampler)].append((token, float(first - second)))
        return token


class Counting(Engine):
    """Counts its steps, and the requests that had to go back to the queue."""

    steps = sent_back = 0

    def step(self) -> None:
        self.steps += 1
        super().step()

    def _make_room(self) -> None:
        self.sent_back += 1
        super()._make_room()


def answer(llama: Watched, prompts: list[str], tokens: int) -> tuple[list[list[tuple[int, float]]], Counting]:
    """Answers to all prompts, asked at once, and the engine that gave them."""
    llama.notes = {}
    finished: list[Finished] = []

    def emit(_number: int, event: Event) -> None:
        if isinstance(event, Finished):
            finished.append(event)

    engine = Counting(llama, emit)
    request = GenerateRequest(prompt=Tokens(tokens=()), sampling=GREEDY, max_tokens=tokens)
    keys = []
    for number, prompt in enumerate(prompts):
        known = set(llama.notes)
        engine.ask(number, llama.tokenize(prompt, begin=True, special=False), request)
        keys += list(set(llama.notes) - known)
    while engine.busy:
        engine.step()
    assert len(finished) == len(prompts)
    return [llama.notes[key] for key in keys], engine


def main() -> None:
    model, runtime, context, tokens = sys.argv[1:]
    limits = Limits(context=int(context), sequences=SEQUENCES, batch=64)
    llama = Watched(Path(model), runtime=Path(runtime), limits=limits, threads=2)
    prompts = json.load(sys.stdin)
    alone = [answer(llama, [prompt], int(tokens))[0][0] for prompt in prompts]
    together, engine = answer(llama, prompts, int(tokens))
    counts = {"steps": engine.steps, "sent_back": engine.sent_back}
    json.dump({"alone": alone, "together": together, **counts}, sys.stdout)


main()
