"""Guessing ahead on real models: the same answers, and switched on by what was measured only."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from itertools import batched
from pathlib import Path

import pytest
from sigmavault.core.chat import Conversation, GenerateRequest, Message, Reuse, Role, Sampling, Text
from sigmavault.ryzan.wire import Stats

from tests.services import models
from tests.services.test_ryzan_reuse import NEAR_TIE, words
from tests.services.worker_link import Told, WorkerLink, worker

GREEDY = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1)
ANEW = Reuse(enabled=False)
CONFIG = "[media]\npath = /tank/media\nread only = no\nguest ok = no\nvalid users = @family\n"


def say(text: str, max_tokens: int = 48) -> GenerateRequest:
    prompt = Conversation(messages=(Message(role=Role.USER, content=text),))
    return GenerateRequest(prompt=prompt, sampling=GREEDY, max_tokens=max_tokens, reuse=ANEW)


def go_on(text: str, max_tokens: int = 48) -> GenerateRequest:
    return GenerateRequest(prompt=Text(text=text), sampling=GREEDY, max_tokens=max_tokens, reuse=ANEW)


REQUESTS = [
    *(
        say(f"Repeat this, with {name} for media:\n{CONFIG}")
        for name in ("films", "photos", "music", "games")
    ),
    *(say(f"List {count} {things}.") for count in (3, 5) for things in ("fruits", "planets", "file systems")),
    *(say(f"What is {thing}?") for thing in ("a snapshot", "RAID", "a checksum", "parity")),
    *(go_on(words(seed, 40)) for seed in range(6)),
    *(go_on(CONFIG * 2, limit) for limit in (1, 2, 17)),
    replace(say("Count from 1 to 20."), stop=("7",)),
    replace(go_on("one two three one two three one two"), stop=("three one",)),
]


def assert_same(told: Told, plain: Told) -> bool:
    """Equal up to near-ties; whether they are equal at all.

    `plain` knows its margins: where the texts part, the model was undecided.
    """
    assert told.finished is not None
    assert plain.finished is not None
    if told.text == plain.text and told.finished == plain.finished:
        return True
    one, other = told.text.encode(), plain.text.encode()
    alike = next((at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), None)
    parted = min(len(one), len(other)) if alike is None else alike
    end = 0
    margins = []
    for each in plain.logprobs:
        margins.append(each.top[0].logprob - each.top[1].logprob)
        end += len(each.chosen.token)
        if end > parted:
            break
    # the token that differs, or the one before it where both spell the same text with other tokens
    assert min(margins[-2:]) < NEAR_TIE, f"another text where the margins were {margins[-2:]}"
    return False


def compare(link: WorkerLink, asked: list[GenerateRequest], plain: list[Told] | None = None) -> int:
    """How many of the answers are equal to those without guesses, which are computed beside or known."""
    known = plain or [link.ask(replace(each, top_logprobs=2))[0] for each in asked]
    return sum(assert_same(link.ask(each)[0], one) for each, one in zip(asked, known, strict=True))


@pytest.fixture(scope="module")
def plain(smollm2: Path, runtime: Path) -> list[Told]:
    """The answers without guesses, several at once."""
    with worker(smollm2, runtime, context=2048) as link:
        asked = [replace(each, top_logprobs=2) for each in REQUESTS]
        return [told for some in batched(asked, 8, strict=False) for told in link.ask(*some)]


@pytest.mark.parametrize("mode", ["lookup", "draft"])
def test_greedy_answers_with_guesses_are_those_without(
    mode: str, smollm2: Path, runtime: Path, tmp_path: Path, plain: list[Told]
) -> None:
    draft = tmp_path / "draft.gguf"
    shutil.copyfile(smollm2, draft)
    assert len(REQUESTS) > 20
    with worker(smollm2, runtime, f"--speculation={mode}", f"--draft={draft}", context=2048) as link:
        assert link.wait_stats().speculation.startswith("on: by ")
        step = 1 if mode == "lookup" else 2
        asked = REQUESTS[::step]
        equal = compare(link, asked, plain[::step])
        stats = link.stats
    assert stats is not None
    # what the margins allowed is held by `compare`; here: that not all of it was near-ties of other kernels
    assert equal >= len(asked) // 2
    assert stats.guesses_held > (100 if mode == "lookup" else 0.8 * stats.guesses_tried)


def test_draft_that_is_often_wrong_changes_no_answer(runtime: Path, tmp_path: Path) -> None:
    model, draft = models.make("llama-f32", tmp_path), models.make("llama-q8_0", tmp_path)
    with worker(model, runtime, "--speculation=draft", f"--draft={draft}", context=1024) as link:
        assert "on: by draft model" in link.wait_stats().speculation
        assert compare(link, [go_on(words(seed, 10 + seed), 60) for seed in range(8)]) > 4
        # longer than what the draft reads beside one step
        assert compare(link, [go_on(words(9, 120), 30)] * 2) >= 0
        assert link.stats is not None
        assert 0 <= link.stats.guesses_held < link.stats.guesses_tried


def test_sampled_and_formed_answers_are_not_guessed(smollm2: Path, runtime: Path) -> None:
    asked = go_on(CONFIG * 3, 20)
    with worker(smollm2, runtime, "--speculation=lookup", context=1024) as link:
        link.wait_stats()
        link.ask(replace(asked, sampling=replace(GREEDY, temperature=0.5)))
        link.ask(replace(asked, top_logprobs=0))
        link.ask(asked, asked)
        assert link.stats is not None
        assert link.stats.guesses_tried == 0
        link.ask(asked)
        assert link.wait_stats().guesses_held > 0


def test_draft_with_another_vocabulary_is_refused(smollm2: Path, runtime: Path, tmp_path: Path) -> None:
    draft = models.make("llama-f32", tmp_path)
    with worker(smollm2, runtime, "--speculation=draft", f"--draft={draft}", context=512) as link:
        said = link.wait_stats().speculation
        assert link.text(go_on("one two", 4))
    assert said.startswith("off")
    assert "cannot draft: it knows 275 tokens, the model 49,152" in said


def test_file_that_is_no_model_does_not_draft(runtime: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.gguf"
    draft.write_bytes(b"GGUF" + bytes(100))
    model = models.make("llama-f32", tmp_path)
    for file in (draft, tmp_path / "missing.gguf"):
        with worker(model, runtime, "--speculation=draft", f"--draft={file}", context=512) as link:
            assert "llama.cpp refuses" in link.wait_stats().speculation
            assert link.text(go_on("one two", 4))


@pytest.mark.parametrize("kind", ["mamba", "rwkv7", "granitehybrid"])
def test_state_that_cannot_be_taken_back_is_not_guessed_on(kind: str, runtime: Path, tmp_path: Path) -> None:
    model = models.make(kind, tmp_path)
    with worker(model, runtime, "--speculation=auto", context=512) as link:
        link.text(go_on("the the the the", 4))
        assert link.wait_stats().speculation == "off: the model's state cannot be taken back"


def verdict(file: Path, runtime: Path, *options: str) -> Stats:
    """What is told after a measurement that nothing disturbed."""
    for _ in range(10):
        with worker(file, runtime, "--speculation=auto", *options, context=1024) as link:
            stats = link.wait_stats()
        if "too busy" not in stats.speculation:
            return stats
    raise AssertionError("this machine is too busy to measure anything")


def test_verdict_is_measured_once_for_a_pair(runtime: Path, tmp_path: Path) -> None:
    model, draft = models.make("llama-f32", tmp_path), models.make("llama-q8_0", tmp_path)
    folder = tmp_path / "verdicts"
    options = ("--speculation=auto", f"--verdicts={folder}")
    first = verdict(model, runtime, options[1])
    assert first.speculation.startswith(("on: ", "no gain: "))
    assert "prompt lookup" in first.speculation
    assert (first.guesses_tried, first.tokens_per_second, first.prefix_misses) == (0, 0, 0)
    (file,) = folder.iterdir()
    told = json.loads(file.read_text())
    assert set(told["rates"]) == {"alone", "prompt lookup"}

    file.write_text(json.dumps({**told, "gains": {"prompt lookup": 1.75}}))
    with worker(model, runtime, *options, context=1024) as link:
        assert link.wait_stats().speculation == "on: 1.75x by prompt lookup"
        link.text(go_on("the the the the the", 20))
        assert link.wait_stats().guesses_tried > 0
    verdict(model, runtime, options[1], f"--draft={draft}")
    (other,) = set(folder.iterdir()) - {file}
    assert set(json.loads(other.read_text())["gains"]) == {"prompt lookup", "draft model"}


def test_measuring_that_ended_the_process_twice_is_not_tried_again(runtime: Path, tmp_path: Path) -> None:
    model = models.make("llama-f32", tmp_path)
    folder = tmp_path / "verdicts"
    verdict(model, runtime, f"--verdicts={folder}")
    (file,) = folder.iterdir()
    for content, expected in (
        ('{"attempts": 2}', "off: the process ended while it was measured"),
        ('{"attempts": 1}', "prompt lookup"),
        ('{"rates": 3', "prompt lookup"),
        ('{"rates": {}, "gains": {"prompt lookup": -1}}', "prompt lookup"),
    ):
        file.write_text(content)
        assert expected in verdict(model, runtime, f"--verdicts={folder}").speculation


def test_request_interrupts_the_measurement(smollm2: Path, runtime: Path, tmp_path: Path) -> None:
    folder = tmp_path / "verdicts"
    with worker(smollm2, runtime, "--speculation=auto", f"--verdicts={folder}", context=1024) as link:
        deadline = time.monotonic() + 10
        while not folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        (file,) = folder.glob("*.json")
        assert json.loads(file.read_text()) == {"attempts": 1}
        (told,) = link.ask(go_on("one two", 4))
        assert told.finished is not None
        assert link.stats is not None
        assert link.stats.speculation == "off: not measured yet"
        while (said := link.wait_stats().speculation) == "off: not measured yet":
            pass
    assert ("gains" in json.loads(file.read_text())) == ("too busy" not in said)
