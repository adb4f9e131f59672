"""What a model process can be asked for, on the real model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.chat import (
    Conversation,
    EmbedRequest,
    Finish,
    GenerateRequest,
    Grammar,
    Message,
    Prompt,
    Reuse,
    Role,
    Sampling,
    Text,
    Tokens,
    Tool,
)
from sigmavault.core.errors import InvalidRequestError

from tests.services.worker_link import WorkerLink, worker

GREEDY = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1)
HELLO = Conversation(messages=(Message(role=Role.USER, content="Tell me about storage in one sentence."),))
OBJECT = 'root ::= "{\\"name\\": \\"" [a-z]{1,12} "\\"}"'


@pytest.fixture(scope="module")
def model(smollm2: Path, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLink]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with worker(smollm2, runtime, log=[log]) as link:
        yield link
    assert "grammar" not in log.read_text(), "what callers send must not be in the log"


def request(prompt: Prompt = HELLO, max_tokens: int = 12, **options: Any) -> GenerateRequest:
    anew = Reuse(enabled=False)
    return replace(
        GenerateRequest(prompt=prompt, sampling=GREEDY, max_tokens=max_tokens, reuse=anew), **options
    )


def test_loaded_tells_what_the_model_is(model: WorkerLink) -> None:
    loaded = model.loaded
    assert (loaded.architecture, loaded.has_template, loaded.embedding_size) == ("llama", True, 0)
    assert len(loaded.template_sha256) == 64
    assert loaded.tool_format == "generic"  # its template knows no tools
    assert 50e6 < loaded.memory_bytes < 2e9


def test_grammar_holds_from_the_first_token_on(model: WorkerLink) -> None:
    (told,) = model.ask(request(grammar=Grammar(gbnf=OBJECT), max_tokens=40))
    assert set(json.loads(told.text)) == {"name"}
    assert told.finished is not None
    assert told.finished.finish is Finish.STOP


def test_grammar_holds_for_sampled_answers_too(model: WorkerLink) -> None:
    hot = Sampling(temperature=1.5, top_p=0.95, top_k=40, min_p=0.05, seed=3)
    for told in model.ask(
        *(
            request(grammar=Grammar(gbnf=OBJECT), max_tokens=40, sampling=replace(hot, seed=n))
            for n in range(8)
        )
    ):
        assert set(json.loads(told.text)) == {"name"}


def test_grammar_sleeps_until_its_trigger(model: WorkerLink) -> None:
    free = model.text(request(max_tokens=30))
    word = free.split()[3]
    lazy = Grammar(gbnf=f'root ::= "{word}" "!?!" [0-9]{{3}}', triggers=("never-written", word))
    told = model.text(request(max_tokens=30, grammar=lazy))
    before, found, after = told.partition(word)
    assert (before, found) == free.partition(word)[:2]
    assert after[:3] == "!?!"
    assert after[3:].isdigit()
    untouched = replace(lazy, triggers=("never-written",))
    assert model.text(request(max_tokens=30, grammar=untouched)) == free


def test_trigger_in_the_middle_of_a_token(model: WorkerLink) -> None:
    """The token that completes the trigger also holds what comes before it, or after."""
    free = model.text(request(max_tokens=30))
    part = free.split()[4][1:3]
    lazy = Grammar(gbnf=f'root ::= "{part}" [ -~]* "."', triggers=(part,))
    told = model.text(request(max_tokens=30, grammar=lazy))
    at = free.index(part)
    assert told[: at + len(part)] == free[: at + len(part)]


def test_trigger_whose_form_the_text_does_not_take(model: WorkerLink) -> None:
    """Tokens that would begin it wrongly are not taken; the process lives."""
    free = model.text(request(max_tokens=30))
    part = free.split()[4][1:2]
    lazy = Grammar(gbnf=f'root ::= "{part}" "\\x01"', triggers=(part,))
    told = model.text(request(max_tokens=30, grammar=lazy))
    assert "\x01" in told or part not in told
    assert model.text(request(max_tokens=30)) == free


@pytest.mark.parametrize(
    "gbnf", ["", "root ::= other", "this is none", 'a ::= "x"', 'root ::= "\0"', "root ::= root"]
)
def test_what_is_no_grammar_is_refused(model: WorkerLink, gbnf: str) -> None:
    with pytest.raises(InvalidRequestError, match="compiled") as raised:
        model.ask(request(grammar=Grammar(gbnf=gbnf)))
    assert raised.value.param == "grammar"


def test_grammar_that_the_vocabulary_cannot_write_ends_the_answer(model: WorkerLink) -> None:
    (told,) = model.ask(request(grammar=Grammar(gbnf='root ::= "ab" <[0]> "x"')))
    assert told.finished is not None


def test_logprobs_are_of_the_model_and_add_up(model: WorkerLink) -> None:
    (told,) = model.ask(request(top_logprobs=20))
    assert told.finished is not None
    assert len(told.logprobs) == told.finished.completion_tokens
    assert b"".join(each.chosen.token for each in told.logprobs).decode() == told.text
    for each in told.logprobs:
        assert each.top[0] == each.chosen  # greedy
        values = [one.logprob for one in each.top]
        assert values == sorted(values, reverse=True)
        assert 0.1 < sum(map(math.exp, values)) <= 1.0001
    (bare,) = model.ask(request(top_logprobs=0))
    assert [each.chosen for each in bare.logprobs] == [each.chosen for each in told.logprobs]
    assert all(each.top == () for each in bare.logprobs)


def test_logprobs_do_not_change_with_how_tokens_are_chosen(model: WorkerLink) -> None:
    bias = replace(GREEDY, logit_bias=((1000, -100.0),), repeat_penalty=1.3)
    (plain,) = model.ask(request(top_logprobs=5, max_tokens=1))
    (biased,) = model.ask(request(top_logprobs=5, max_tokens=1, sampling=bias))
    assert plain.logprobs[0].top == biased.logprobs[0].top


def test_bias_forbids_and_forces(model: WorkerLink) -> None:
    (plain,) = model.ask(request(max_tokens=1))
    forced = replace(GREEDY, logit_bias=((5, 100.0),))
    (told,) = model.ask(request(max_tokens=3, sampling=forced, top_logprobs=0))
    assert len({each.chosen.token for each in told.logprobs}) == 1
    assert told.text != plain.text
    with pytest.raises(InvalidRequestError, match="no token 999999"):
        model.ask(request(sampling=replace(GREEDY, logit_bias=((999999, 1.0),))))


def test_penalties_are_about_the_answer(model: WorkerLink) -> None:
    again = Text(text="one two three one two three one two three one two three one two")
    plain = model.text(request(again, 12))
    assert plain.split()[:2] == ["three", "one"]
    strict = model.text(request(again, 12, sampling=replace(GREEDY, repeat_penalty=5.0)))
    # the prompt's own words are not held against it, the answer's are
    assert strict.split()[0] == "three"
    words = strict.split()
    assert len(set(words)) == len(words)
    mild = replace(GREEDY, presence_penalty=2.0, frequency_penalty=2.0)
    many, few = (model.text(request(again, 40, sampling=each)).split() for each in (mild, GREEDY))
    assert len(set(many)) > len(set(few))


def test_seed_decides(model: WorkerLink) -> None:
    hot = Sampling(temperature=1.0, top_p=1, top_k=0, min_p=0, seed=7)
    first, again, other = (
        model.text(request(sampling=replace(hot, seed=seed), max_tokens=16)) for seed in (7, 7, 8)
    )
    assert first == again != other


def test_texts_and_tokens_are_continued_as_they_are(model: WorkerLink) -> None:
    (text,) = model.ask(request(Text(text="The capital of France is"), 4))
    assert "Paris" in text.text
    assert text.started is not None
    (raw,) = model.ask(request(Tokens(tokens=(504, 3575, 282, 4649, 314)), 4))  # the same, as numbers
    assert raw.text == text.text
    (shown,) = model.ask(request(Text(text="<|im_end|>"), 1))
    assert shown.started is not None
    assert shown.started.prompt_tokens > 1, "control tokens of a text are text"


@pytest.mark.parametrize("token", [-1, 10**6, 2**31])
def test_tokens_that_are_none_are_refused(model: WorkerLink, token: int) -> None:
    with pytest.raises(InvalidRequestError, match="no token"):
        model.ask(request(Tokens(tokens=(1, token))))


def test_template_without_tools_ignores_them(model: WorkerLink) -> None:
    tools = (Tool(name="weather", parameters={"type": "object"}),)
    assert model.text(request(replace(HELLO, tools=tools))) == model.text(request())


def test_a_model_that_answers_makes_no_vectors(model: WorkerLink) -> None:
    with pytest.raises(InvalidRequestError, match="makes no embeddings"):
        model.embed(EmbedRequest(inputs=(Text(text="x"),)))
