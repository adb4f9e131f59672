"""Guessing changes how many steps an answer takes, never the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.chat import GenerateRequest, Grammar, Reuse, Sampling, Tokens
from sigmavault.ryzan.worker.llama import Limits
from sigmavault.ryzan.worker.speculate import LEAST, MOST, Lookup, Reach, accept, is_guessable

from tests.unit.ryzan.worker.counter import END, Counter, engine
from tests.unit.ryzan.worker.test_engine import assert_empty, end, request, run, text

TOKENS = st.lists(st.integers(0, END), min_size=1, max_size=40)


class Oracle:
    """Guesses what the model will say, wrong at every so many tokens."""

    def __init__(self, llama: Counter, wrong_every: int) -> None:
        self.llama = llama
        self.wrong_every = wrong_every
        self.asked = 0

    def propose(self, tokens: list[int], count: int) -> list[int]:
        self.asked += 1
        guessed = list(tokens)
        for _ in range(count):
            right = self.llama.next(guessed)
            guessed.append((right + 1) % END if len(guessed) % self.wrong_every == 0 else right)
        return guessed[len(tokens) :]


@given(TOKENS, st.lists(st.integers(0, END), max_size=MOST))
def test_accepted_tokens_are_those_of_the_model_alone(prompt: list[int], guesses: list[int]) -> None:
    llama = Counter(Limits(context=9, sequences=1, batch=9), is_deep=True)
    taken = accept(guesses, lambda row: llama.next(prompt + guesses[:row]), llama.is_end)
    alone = list(prompt)
    for token in taken:
        assert alone[-1] != END or alone == prompt, "nothing comes after the end"
        assert token == llama.next(alone)
        alone.append(token)
    assert 1 <= len(taken) <= len(guesses) + 1
    assert taken[:-1] == guesses[: len(taken) - 1]


@given(TOKENS, st.integers(1, MOST))
def test_lookup_guesses_what_followed_the_longest_ending(tokens: list[int], count: int) -> None:
    guesses = Lookup().propose(tokens, count)
    for length in (3, 2):
        ending = tokens[-length:]
        earlier = [at for at in range(length, len(tokens)) if tokens[at - length : at] == ending]
        if len(ending) == length and earlier:
            longer = list(tokens)
            for _ in range(count):
                longer.append(longer[earlier[-1] + len(longer) - len(tokens)])
            assert guesses == longer[len(tokens) :]
            return
    assert guesses == []


@given(TOKENS, TOKENS)
def test_lookup_of_a_growing_text_is_that_of_the_whole(first: list[int], more: list[int]) -> None:
    growing, lookup = list(first), Lookup()
    lookup.propose(growing, MOST)
    for token in more:
        growing.append(token)
        assert lookup.propose(growing, MOST) == Lookup().propose(growing, MOST)
    assert lookup.propose(list(first), MOST) == Lookup().propose(first, MOST)


@given(st.lists(st.tuples(st.integers(1, MOST), st.floats(0, 1)), max_size=20))
def test_reach_stays_in_bounds_and_follows_success(rounds: list[tuple[int, float]]) -> None:
    reach = Reach()
    for tried, share in rounds:
        before = reach.count
        held = round(tried * share)
        reach.learn(tried, held)
        assert LEAST <= reach.count <= MOST
        assert reach.count >= min(before, held)
    for _ in range(2):
        reach.learn(MOST, 0)
    assert reach.count == LEAST
    for _ in range(3):
        reach.learn(reach.count, reach.count)
    assert reach.count == MOST


@given(
    prompts=st.lists(TOKENS, min_size=1, max_size=4),
    limit=st.integers(1, 40),
    stop=st.sampled_from([(), ("3",), ("12", "07")]),
    wrong_every=st.integers(1, 7),
    reuse=st.sampled_from([Reuse(enabled=False), Reuse(space="uid:1")]),
    data=st.data(),
)
def test_engine_with_guesses_answers_as_without(
    prompts: list[list[int]], limit: int, stop: tuple[str, ...], wrong_every: int, reuse: Reuse,
    data: st.DataObject,
) -> None:  # fmt: skip
    """One after the other and some at once, ending at limits, stop texts and the model's own end."""
    answers = []
    together = data.draw(st.booleans())
    for guess in (False, True):
        one, llama, told = engine(
            context=200, llama=Counter(Limits(context=200, sequences=4, batch=8, kept=4), is_deep=True)
        )
        one.speculate(Oracle(llama, wrong_every) if guess else None)
        for number, prompt in enumerate(prompts):
            one.ask(number, list(prompt), request(limit, stop, reuse))
            if not together:
                run(one)
        run(one)
        answers.append([(text(told, each), end(told, each)) for each in range(len(prompts))])
        assert_empty(one, llama)
    assert answers[0] == answers[1]


def test_guesses_that_hold_save_steps() -> None:
    plain, _, _ = engine(llama=Counter(Limits(context=300, sequences=4, batch=32, kept=8), is_deep=True))
    plain.ask(1, [5, 5], request(60))
    guessing, llama, told = engine(
        llama=Counter(Limits(context=300, sequences=4, batch=32, kept=8), is_deep=True)
    )
    guessing.speculate(Oracle(llama, 1000))
    guessing.ask(1, [5, 5], request(60))
    steps = run(plain)
    assert run(guessing) < steps / 2
    assert text(told, 1) == llama.answer([5, 5], 60)


def test_several_answers_at_once_are_written_without_guesses() -> None:
    one, llama, _ = engine(llama=Counter(Limits(context=300, sequences=4, batch=32, kept=8), is_deep=True))
    oracle = Oracle(llama, 1000)
    one.speculate(oracle)
    for number in range(2):
        one.ask(number, [1, 2], request(5))
    beside = 0
    one.step()
    while one.active == 2:
        assert oracle.asked == 0
        beside += 1
        one.step()
    assert beside > 0


PLAIN = GenerateRequest(
    prompt=Tokens(tokens=()), sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=0)
)


@pytest.mark.parametrize(
    "request_",
    [
        replace(PLAIN, sampling=replace(PLAIN.sampling, **changed))
        for changed in (
            {"temperature": 0.1}, {"frequency_penalty": 0.1}, {"presence_penalty": -1.0},
            {"repeat_penalty": 1.1}, {"logit_bias": ((1, 1.0),)},
        )
    ]
    + [replace(PLAIN, grammar=Grammar(gbnf="root ::= [a-z]")), replace(PLAIN, top_logprobs=0)],
)  # fmt: skip
def test_only_plain_greedy_requests_are_guessed_at(request_: GenerateRequest) -> None:
    assert is_guessable(PLAIN)
    assert not is_guessable(request_)
