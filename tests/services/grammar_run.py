"""Holds the real model against grammars, without the engine. A process of its own, because native code may
abort.

    grammar_run.py MODEL RUNTIME < work.json > results.json

Work is `{"grammars": {name: gbnf}, "asks": [{"prompt", "gbnf", "triggers", "tokens", "bias": {text: x}}]}`
(the bias where there is one); results are `{"refused": [names], "slowest_s": of compiling one, "readings": of
one grammar for eight answers, "answers": [{"text", "finish"}]}`.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from sigmavault.core.chat import Finish, GenerateRequest, Grammar, Sampling, Tokens
from sigmavault.core.errors import InvalidRequestError
from sigmavault.ryzan.worker.llama import Limits, Llama, Span
from sigmavault.ryzan.worker.sampling import NOTHING, Sampler

SEQUENCES = 24
GREEDY = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1)


def asked(
    gbnf: str, triggers: list[str], tokens: int, bias: Sequence[tuple[int, float]] = ()
) -> GenerateRequest:
    grammar = Grammar(gbnf=gbnf, triggers=tuple(triggers))
    sampling = replace(GREEDY, logit_bias=tuple(bias))
    return GenerateRequest(prompt=Tokens(tokens=()), sampling=sampling, max_tokens=tokens, grammar=grammar)


def compile_all(llama: Llama, grammars: dict[str, str]) -> tuple[list[str], float]:
    """The grammars that llama.cpp refuses, and how long the slowest one took."""
    refused, slowest = [], 0.0
    for name, gbnf in grammars.items():
        begin = time.monotonic()
        try:
            llama.open_sampler(asked(gbnf, [], 1)).close()
        except InvalidRequestError:
            refused.append(name)
        slowest = max(slowest, time.monotonic() - begin)
    return refused, slowest


def count_readings(llama: Llama, gbnf: str) -> int:
    """How often llama.cpp reads a grammar for eight answers of that form."""
    count = 0
    api = llama._api
    real = api.llama_sampler_init_grammar

    def watch(*given: Any) -> Any:
        nonlocal count
        count += 1
        return real(*given)

    api.llama_sampler_init_grammar = watch
    try:
        opened = [llama.open_sampler(asked(gbnf, [], 1)) for _ in range(8)]
        for each in opened:
            each.close()
    finally:
        api.llama_sampler_init_grammar = real
    return count


@dataclass
class Answer:
    """One under way, in a sequence of its own."""

    sampler: Sampler
    tokens: list[int]
    limit: int
    done: int = 0
    said: bytes = b""
    finish: str = ""

    def span(self, sequence: int) -> Span:
        fresh = self.tokens[self.done :]
        return Span(tokens=fresh, position=self.done, sequence=sequence, output=True)

    def advance(self, llama: Llama, row: int) -> None:
        self.done = len(self.tokens)
        token = self.sampler.choose(row).token
        if token == NOTHING or llama.is_end(token):
            self.finish = Finish.STOP
            return
        self.said += self.sampler.piece(token)
        self.tokens.append(token)
        self.limit -= 1
        self.finish = "" if self.limit else Finish.LENGTH


def step(llama: Llama, going: list[tuple[int, Answer]]) -> None:
    spans = [answer.span(number) for number, answer in going]
    assert llama.decode(spans)
    ends = accumulate(len(span.tokens) for span in spans)
    for (_, answer), end in zip(going, ends, strict=True):
        answer.advance(llama, end - 1)


def answer_all(llama: Llama, asks: list[dict[str, Any]]) -> list[dict[str, str]]:
    answers = []
    for each in asks:
        bias = {
            token: value
            for text, value in each.get("bias", {}).items()
            for token in llama.tokenize(text, begin=False, special=True)
        }
        request = asked(each["gbnf"], each["triggers"], each["tokens"], tuple(bias.items()))
        tokens = llama.tokenize(each["prompt"], begin=True, special=True)
        answers.append(Answer(llama.open_sampler(request), tokens, each["tokens"]))
    for number, answer in enumerate(answers):  # the prompts one by one, then all together
        step(llama, [(number, answer)])
    while going := [(number, answer) for number, answer in enumerate(answers) if not answer.finish]:
        step(llama, going)
    for answer in answers:
        answer.sampler.close()
    return [{"text": each.said.decode(errors="replace"), "finish": each.finish} for each in answers]


def main() -> None:
    model, runtime = map(Path, sys.argv[1:])
    limits = Limits(context=8192, sequences=SEQUENCES, batch=1024)
    llama = Llama(model, runtime=runtime, limits=limits, threads=2)
    work = json.load(sys.stdin)
    refused, slowest = compile_all(llama, work["grammars"])
    answers = answer_all(llama, work["asks"])
    readings = count_readings(llama, work["asks"][0]["gbnf"])
    told = {"refused": refused, "slowest_s": slowest, "readings": readings, "answers": answers}
    json.dump(told, sys.stdout)


main()
