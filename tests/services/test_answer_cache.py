"""The answer cache in front of the running service with a real model: reuse never changes an answer."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.services import models
from tests.services.command_line import sigmavault
from tests.services.daemon import USER, Ryzan, SystemBus, wait_until
from tests.services.test_ryzan_http import CHAT, MODEL, stream

_NUMBERS = itertools.count(1)
TOPICS = ("the sea", "a disk", "bread", "two cats", "the moon", "a key", "rain")
FORMS = (
    "Say the word {} and nothing else.",
    "In three words: what is {}?",
    "Is {} good? Answer yes or no.",
    "Translate {} to French.",
    "Write one short sentence about {}.",
)
SOON = {"2": 6}
"""Answers end soon, and by a wide margin: no other number of threads makes one longer."""


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 96,
        "logit_bias": SOON,
        **more,
    }


def cache(**options: Any) -> dict[str, Any]:
    return {"sigmavault": {"cache": options}}


OFF = cache(enabled=False)


def figures(ryzan: Ryzan) -> dict[str, float]:
    """What `/metrics` tells of the answer cache."""
    lines = ryzan.client().get("/metrics").text.splitlines()
    told = (line.removeprefix("sigmavault_ryzan_").split() for line in lines if "_answer" in line)
    return {words[0]: float(words[1]) for words in told if words[0] != "#"}


def post(ryzan: Ryzan, body: dict[str, Any]) -> dict[str, Any]:
    answer = ryzan.unix_client().post(CHAT, json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def post_as(ryzan: Ryzan, uid: int, body: dict[str, Any]) -> dict[str, Any]:
    """Ask over the Unix socket, as somebody."""
    ryzan.socket.chmod(0o666)
    argv = [sys.executable, os.fspath(Path(__file__).parent / "post.py"), os.fspath(ryzan.socket), CHAT]
    done = subprocess.run(
        argv, input=json.dumps(body), capture_output=True, text=True, check=True, user=uid, timeout=60
    )
    status, _, text = done.stdout.partition(" ")
    assert status == "200", text
    told: dict[str, Any] = json.loads(text)
    return told


def is_cached(told: dict[str, Any]) -> bool:
    """Whether nothing of the prompt was computed; one that the model remembers leaves its last token."""
    usage = told["usage"]
    return bool(usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_tokens"])


class Stage:
    """One service at a time: there is one name on the bus."""

    def __init__(self, bus: SystemBus, env: dict[str, str], folders: pytest.TempPathFactory) -> None:
        self._bus, self._env, self._folders = bus, env, folders
        self._running: Ryzan | None = None
        self._shared: Ryzan | None = None

    def start(self, state: Path | None = None, toml: str = "", **env: str) -> Ryzan:
        """A new service; `state` is the folder of one that was there before."""
        self.stop()
        folder = self._folders.mktemp("ryzan")
        if state is None:
            state = folder / "state"
            state.mkdir()
        shutil.chown(state, USER)
        (folder / "config").mkdir()
        (folder / "config/ryzan.toml").write_text(toml)
        places = {"STATE_DIRECTORY": os.fspath(state), "SIGMAVAULT_CONFIG": os.fspath(folder / "config")}
        self._running = Ryzan(bus=self._bus, folder=folder, env={**self._env, **places, **env})
        self._running.wait_ready()
        self._running.wait_state("ready")
        return self._running

    def shared(self) -> Ryzan:
        """The service of those who do not need one of their own."""
        if self._running is None or self._running is not self._shared:
            self._shared = self.start()
        return self._running or self._shared

    def stop(self) -> None:
        running, self._running = self._running, None
        if running:
            assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="module")
def stage(
    system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    stage = Stage(system_bus, ryzan_env, tmp_path_factory)
    yield stage
    stage.stop()


@pytest.fixture
def ryzan(stage: Stage) -> Ryzan:
    return stage.shared()


def ending(ryzan: Ryzan, **more: Any) -> dict[str, Any]:
    """A request whose answer ends by itself, not asked before."""
    for _ in range(50):
        body = ask(f"Say hello. ({next(_NUMBERS)})", **more)
        if post(ryzan, {**body, **OFF})["choices"][0]["finish_reason"] == "stop":
            return body
    pytest.fail("no answer ends by itself")


def test_same_answers_with_the_cache_on_and_off(stage: Stage) -> None:
    """Two services are asked the same in the same order, so that only the cache can make a difference."""
    asked = [ask(form.format(topic), max_tokens=40) for form in FORMS for topic in TOPICS]
    without = stage.start(toml="[reuse]\nanswers = false\n")
    off = [post(without, each) for each in asked]
    ryzan = stage.start()
    on = [post(ryzan, each) for each in asked]
    same = [at for at in range(len(asked)) if on[at]["choices"] == off[at]["choices"]]
    # The services may compute with other numbers of threads, which can flip a near-tie; the cache never does.
    assert len(same) >= 0.9 * len(asked)
    assert all(on[at]["usage"] == off[at]["usage"] for at in same)
    ended = [at for at, each in enumerate(on) if each["choices"][0]["finish_reason"] == "stop"]
    assert len(ended) >= 10
    told = figures(ryzan)
    assert (told["answer_hits_total"], told["answer_misses_total"]) == (0, len(asked))
    assert told["answers_stored_total"] == len(ended)
    for at in ended:
        again = post(ryzan, asked[at])
        assert is_cached(again)
        assert again["choices"] == on[at]["choices"]
        for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert again["usage"][key] == on[at]["usage"][key]
    told = figures(ryzan)
    assert told["answer_hits_total"] == len(ended)
    assert told["answer_tokens_saved_total"] == sum(on[at]["usage"]["total_tokens"] for at in ended)
    assert told["answers_bytes"] > 0


def test_streamed_answer_and_headers_say_that_it_was_kept(ryzan: Ryzan) -> None:
    body = ending(ryzan, stream_options={"include_usage": True})
    del body["stream_options"]
    whole = post(ryzan, body)
    answer = ryzan.unix_client().post(CHAT, json=body)
    assert "answer cache: same question" in " ".join(answer.headers.values())
    chunks = stream(ryzan.unix_client(), {**body, "stream_options": {"include_usage": True}})
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-2])
    assert text == whole["choices"][0]["message"]["content"]
    usage = chunks[-2]["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_tokens"]
    assert usage["completion_tokens"] == whole["usage"]["completion_tokens"]


WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.7, "seed": 1},
        {"temperature": None},
        {"n": 2},
        {"logprobs": True},
        {"tools": [WEATHER], "tool_choice": "none"},
        OFF,
        {"max_tokens": 2},
    ],
    ids=["sampled", "sampled by default", "choices", "logprobs", "tools", "switched off", "cut short"],
)
def test_never_kept(ryzan: Ryzan, more: dict[str, Any]) -> None:
    body = {**ending(ryzan), **more}
    stored = figures(ryzan)["answers_stored_total"]
    assert not any(is_cached(post(ryzan, body)) for _ in range(3))
    assert figures(ryzan)["answers_stored_total"] == stored


def test_never_across_users(ryzan: Ryzan) -> None:
    body = ending(ryzan)
    assert [is_cached(post_as(ryzan, uid, body)) for uid in (1001, 1001, 1002, 1002, 1001)] == [
        False, True, False, True, True,
    ]  # fmt: skip
    assert not is_cached(post(ryzan, body))


def clear(ryzan: Ryzan, user: str | None = None) -> subprocess.CompletedProcess[str]:
    return sigmavault(ryzan, "model", "clear-answers", user=user)


def test_kept_answers_are_told_and_an_administrator_erases_them(ryzan: Ryzan) -> None:
    body = ending(ryzan)
    assert not is_cached(post(ryzan, body))
    assert is_cached(post(ryzan, body))
    kept = int(ryzan.status().split('"answers_kept" t ')[1].split()[0])
    assert kept >= 1
    assert re.search(rf"answers +{kept} kept, ", sigmavault(ryzan, "status").stdout)
    assert clear(ryzan, user="nobody").returncode == 4
    assert is_cached(post(ryzan, body))
    done = clear(ryzan)
    assert (done.returncode, done.stdout) == (0, f"{kept} kept answer{'s' * (kept != 1)} erased\n"), (
        done.stderr
    )
    assert not is_cached(post(ryzan, body))


def test_other_facts_are_another_question(ryzan: Ryzan) -> None:
    body = ending(ryzan)
    told = [post(ryzan, {**body, **cache(facts=facts)}) for facts in ("1", "1", "2", "1")]
    assert [is_cached(each) for each in told] == [False, True, False, True]


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 95},
        {"stop": ["never said"]},
        {"presence_penalty": 0.01},
        {"response_format": {"type": "json_object"}},
    ],
    ids=str,
)
def test_other_parameters_are_another_question(ryzan: Ryzan, more: dict[str, Any]) -> None:
    body = ending(ryzan)
    post(ryzan, body)
    assert is_cached(post(ryzan, body))
    assert not is_cached(post(ryzan, {**body, **more}))


def test_answer_of_a_client_that_left_is_not_kept(ryzan: Ryzan) -> None:
    body = ending(ryzan)
    with ryzan.unix_client().stream("POST", CHAT, json={**body, "stream": True}) as answer:
        next(answer.iter_lines())
    assert not is_cached(post(ryzan, body))


def test_answers_to_callers_without_a_name_are_never_kept(ryzan: Ryzan) -> None:
    """Over TCP without a key nobody knows who asks."""
    body = ending(ryzan)
    for _ in range(2):
        assert not is_cached(ryzan.client().post(CHAT, json=body).json())


def test_twenty_clients_at_once(ryzan: Ryzan) -> None:
    """While nothing is kept each gets an answer of the model; then all get the one that was kept."""
    bodies = [ask(f"Say hello. (together {number})") for number in range(4)]

    def one(number: int) -> list[str]:
        with ryzan.unix_client() as client:
            told = [client.post(CHAT, json=bodies[(number + at) % 4]).json() for at in range(4)]
        texts = [each["choices"][0]["message"]["content"] for each in told]
        return [texts[(at - number) % 4] for at in range(4)]

    with ThreadPoolExecutor(20) as pool:
        given = list(zip(*pool.map(one, range(20)), strict=True))
        again = list(zip(*pool.map(one, range(20)), strict=True))
    kept = [at for at, body in enumerate(bodies) if is_cached(post(ryzan, body))]
    assert kept
    for at in kept:
        assert len(set(again[at])) == 1
        assert again[at][0] in given[at]


def test_answers_survive_a_restart_of_the_service(stage: Stage, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    kept = tmp_path / "state"
    kept.mkdir()
    first = stage.start(kept)
    body = ending(first)
    told = post(first, body)
    again = post(stage.start(kept), body)
    assert is_cached(again)
    assert again["choices"] == told["choices"]


def test_switched_off_nothing_is_kept_and_it_is_said(stage: Stage, tmp_path: Path) -> None:
    before = tmp_path / "answers"
    before.mkdir()
    (before / "of earlier days").touch()
    for path in (tmp_path, before):
        shutil.chown(path, USER)
    ryzan = stage.start(tmp_path, toml="[reuse]\nanswers = false\n")
    body = ending(ryzan)
    assert not any(is_cached(post(ryzan, body)) for _ in range(3))
    assert figures(ryzan)["answer_cache_on"] == 0
    assert "answers are not kept: switched off" in ryzan.log.read_text()
    assert "not kept: switched off in ryzan.toml" in sigmavault(ryzan, "status").stdout
    assert clear(ryzan).returncode == 0
    assert not before.exists()


def test_without_a_question_there_is_no_cache_process(stage: Stage) -> None:
    ryzan = stage.start()
    children = Path(f"/proc/{ryzan.process.pid}/task/{ryzan.process.pid}/children")
    assert len(children.read_text().split()) == 1
    post(ryzan, ask("Hello", temperature=0.5))
    assert len(children.read_text().split()) == 1
    post(ryzan, ask("Hello"))
    assert len(children.read_text().split()) == 2


def test_damaged_store_costs_hits_and_is_told_once(stage: Stage, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    kept = tmp_path / "state"
    kept.mkdir()
    first = stage.start(kept)
    body = ending(first)
    post(first, body)
    stage.stop()
    for file in kept.rglob("segment.json"):
        file.write_bytes(b"\0" * 64)
    second = stage.start(kept)
    assert not is_cached(post(second, body))
    assert is_cached(post(second, body))
    assert second.log.read_text().count("damaged") == 1


def test_full_disk_costs_hits_and_is_told_once(stage: Stage, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    kept = tmp_path / "state"
    kept.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", kept], check=True)
    try:
        ryzan = stage.start(kept)
        body = ending(ryzan)
        assert not any(is_cached(post(ryzan, body)) for _ in range(3))
        assert ryzan.log.read_text().count("the disk is nearly full") == 1
        assert figures(ryzan)["answer_cache_on"] == 0
        stage.stop()
    finally:
        subprocess.run(["umount", kept], check=True)


def test_similar_question_by_a_real_embedding_model(
    stage: Stage, ryzan_env: dict[str, str], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    file = models.make("bert", tmp_path)
    ryzan = stage.start(SIGMAVAULT_MODELS=f"{ryzan_env['SIGMAVAULT_MODELS']}:{tmp_path}")
    one, other, unlike = "is my disk pool full", "is the disk pool full", "photos"
    keep_as(ryzan, 1001, similar(one))
    # no embedding model is loaded: only the same question counts
    assert not is_cached(post_as(ryzan, 1001, similar(other)))
    body = {"model": f"local/{file.stem}", "input": [one, other, unlike]}
    vectors = [each["embedding"] for each in ryzan.client().post("/v1/embeddings", json=body).json()["data"]]
    alike = math.sumprod(vectors[0], vectors[1])
    assert alike > 0.901
    keep_as(ryzan, 1002, similar(one))
    assert is_cached(post_as(ryzan, 1002, similar(other)))
    assert not is_cached(post_as(ryzan, 1002, similar(other, alike + 0.001)))
    assert not is_cached(post_as(ryzan, 1003, similar(other)))
    assert figures(ryzan)["answer_near_hits_total"] == 1


def similar(question: str, least: float = 0.9) -> dict[str, Any]:
    system = {"role": "system", "content": "Answer with one word."}
    return {
        **ask(question, max_tokens=400, **cache(similarity=least)),
        "messages": [system, {"role": "user", "content": question}],
    }


def keep_as(ryzan: Ryzan, uid: int, body: dict[str, Any]) -> None:
    before = figures(ryzan)["answers_stored_total"]
    assert post_as(ryzan, uid, body)["choices"][0]["finish_reason"] == "stop"
    wait_until("the answer is kept", lambda: figures(ryzan)["answers_stored_total"] > before)
