"""Kept answers on the disk: the cache process with the real Qdrant Edge."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import statistics
import time
from pathlib import Path

import pytest
from sigmavault.core.answer_cache import LONGEST_ANSWER
from sigmavault.core.values import MIB

from tests.services.answer_asking import SOURCE, Asker, Vectors, disk_bytes, play, settle, wish
from tests.services.daemon import SERVICES


@pytest.fixture(autouse=True)
def source_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.fspath(SERVICES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


def test_same_question_of_the_same_person_about_the_same_facts_is_answered_again(
    folder: Path, runtime: Path
) -> None:
    async def scene(asker: Asker) -> None:
        assert await asker.ask(wish("How full?", facts="a"), "Half.") is None
        assert await asker.ask(wish("How full?", facts="a")) == "Half."
        assert await asker.ask(wish("How full?", facts="b")) is None
        assert await asker.ask(wish("How full?", facts="a", space="uid:2")) is None
        assert await asker.ask(wish("How full? ", facts="a")) is None
        other = dataclasses.replace(SOURCE, file="another file")
        assert await asker.ask(wish("How full?", facts="a"), source=other) is None

    asker = play(scene, folder, runtime)
    assert (asker.cache.stats.hits, asker.cache.stats.misses) == (1, 5)
    assert asker.cache.stats.tokens_saved == 15
    assert asker.keeper.stored == 1


def test_answers_survive_a_restart_and_the_folder_is_private(folder: Path, runtime: Path) -> None:
    async def first(asker: Asker) -> None:
        for number in range(50):
            await asker.ask(wish(f"Question {number}"), f"Answer {number} ✓\n😀")

    async def second(asker: Asker) -> None:
        for number in range(50):
            assert await asker.ask(wish(f"Question {number}")) == f"Answer {number} ✓\n😀"

    play(first, folder, runtime)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert play(second, folder, runtime).keeper.entries == 50


def test_broken_characters_are_answered_and_not_kept(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x \ud83d"), "whole")
        assert await asker.ask(wish("x \ud83d")) == "whole"
        await asker.ask(wish("y"), "broken \ud83d")
        assert await asker.ask(wish("y")) is None

    assert play(scene, folder, runtime).keeper.reason == ""


def test_longest_answer_of_the_widest_characters_comes_back(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "😀" * LONGEST_ANSWER)
        assert await asker.ask(wish("x")) == "😀" * LONGEST_ANSWER

    play(scene, folder, runtime)


def test_another_template_is_a_miss_and_the_new_answer_takes_its_place(folder: Path, runtime: Path) -> None:
    old, new = (dataclasses.replace(SOURCE, template=each) for each in ("old", "new"))

    async def scene(asker: Asker) -> None:
        assert await asker.ask(wish("x"), "by the old one", old) is None
        assert (
            await asker.ask(wish("x"), source=SOURCE) == "by the old one"
        )  # nobody knows before it is loaded
        assert await asker.ask(wish("x"), "by the new one", new) is None
        assert await asker.ask(wish("x"), source=new) == "by the new one"

    assert play(scene, folder, runtime).keeper.entries == 1


def test_lookup_is_quick(folder: Path, runtime: Path) -> None:
    took: list[float] = []

    async def scene(asker: Asker) -> None:
        await asker.ask(wish("warm up"))
        for number in [*range(300), *range(300)]:
            began = time.perf_counter()
            await asker.ask(wish(f"Question {number}"), "An answer of a usual length. " * 20)
            took.append(time.perf_counter() - began)

    asker = play(scene, folder, runtime)
    assert asker.cache.stats.hits == 300
    assert statistics.median(took) < 0.002


def test_expired_answers_are_not_given_and_go(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "now")
        assert await asker.ask(wish("x")) == "now"
        await asyncio.sleep(0.7)
        assert await asker.ask(wish("x")) is None
        await settle(lambda: asker.keeper.evicted == 1)

    assert play(scene, folder, runtime, keep_s=0.6).keeper.entries == 0


def test_oldest_used_goes_first_when_there_are_too_many(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        for text in "abc":
            await asker.ask(wish(text), text)
        assert await asker.ask(wish("a")) == "a"
        await asker.ask(wish("d"), "d")
        assert await asker.ask(wish("b")) is None
        for text in "acd":
            assert await asker.ask(wish(text)) == text

    asker = play(scene, folder, runtime, most=3)
    assert (asker.keeper.entries, asker.keeper.evicted) == (3, 1)


def test_disk_budget_holds_while_the_cache_fills(folder: Path, runtime: Path) -> None:
    budget, seen = 4 * MIB, 0

    async def scene(asker: Asker) -> None:
        nonlocal seen
        for turn in range(6):
            for number in range(40):
                await asker.ask(wish(f"{turn} {number}"), os.urandom(10_000).hex())
                seen = max(seen, disk_bytes(folder))
            await asyncio.sleep(1.5)  # it is put in order when there is time
            assert asker.keeper.bytes == pytest.approx(disk_bytes(folder), rel=0.1)
        assert await asker.ask(wish("5 39")) is not None
        assert await asker.ask(wish("0 0")) is None

    asker = play(scene, folder, runtime, most_bytes=budget)
    assert asker.keeper.evicted > 0
    assert seen <= budget


def test_erasing_takes_one_persons_answers_or_all_and_leaves_nothing_on_the_disk(
    folder: Path, runtime: Path
) -> None:
    async def scene(asker: Asker) -> None:
        for space in ("uid:1", "uid:2"):
            for number in range(5):
                await asker.ask(wish(f"{number}", space), f"the secret of {space}")
        assert await asker.cache.clear("uid:1") == 5
        assert await asker.ask(wish("0", "uid:1")) is None
        assert await asker.ask(wish("0", "uid:2")) == "the secret of uid:2"
        assert not holds(folder, b"the secret of uid:1")
        assert holds(folder, b"the secret of uid:2")
        assert await asker.cache.clear() == 5
        assert not holds(folder, b"the secret of")

    play(scene, folder, runtime)


def holds(folder: Path, text: bytes) -> bool:
    return any(text in each.read_bytes() for each in folder.rglob("*") if each.is_file())


V = Vectors(
    known={
        "What is the capital of France?": (1.0, 0.0, 0.0),
        "Tell me the capital of France!": (0.97, 0.2431, 0.0),
        "Name the capital of France": (0.91, 0.4146, 0.0),
        "Tell me the capital of Spain!": (0.99, 0.1411, 0.0),
    }
)


def test_similar_question_is_answered_only_where_that_is_asked_for(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        asked, similar, less, another = V.known
        await asker.ask(wish(asked, similarity=0.95), "Paris")
        await settle(lambda: asker.keeper.stored == 1)  # the shard is made anew for the first vector
        assert await asker.ask(wish(similar)) is None
        assert await asker.ask(wish(similar, similarity=0.98)) is None
        assert await asker.ask(wish(similar, similarity=0.95)) == "Paris"
        assert await asker.ask(wish(less, similarity=0.95)) is None
        assert await asker.ask(wish(less, similarity=0.1)) == "Paris"  # 0.91 is above the least that counts
        assert await asker.ask(wish(another, similarity=0.1)) is None  # alike, but Spain is not France
        assert await asker.ask(wish(similar, similarity=0.95, space="uid:2")) is None
        assert await asker.ask(wish(similar, similarity=0.95, facts="other")) is None

    assert play(scene, folder, runtime, V).cache.stats.near_hits == 2


def test_another_embedding_model_keeps_the_answers_and_drops_the_vectors(folder: Path, runtime: Path) -> None:
    other = Vectors(maker="cd" * 8, known={text: (*each, 0.5) for text, each in V.known.items()})
    asked, similar, *_ = V.known

    async def first(asker: Asker) -> None:
        await asker.ask(wish(asked, similarity=0.95), "Paris")
        await settle(lambda: asker.keeper.stored == 1)

    async def second(asker: Asker) -> None:
        assert await asker.ask(wish(similar, similarity=0.95), "Paris!") is None
        await settle(lambda: asker.keeper.stored == 1)
        assert await asker.ask(wish(asked)) == "Paris"
        assert await asker.ask(wish(similar, similarity=0.95)) == "Paris!"

    play(first, folder, runtime, V)
    play(second, folder, runtime, other)


def test_memory_of_the_cache_process(folder: Path, runtime: Path) -> None:
    own: dict[str, int] = {}

    async def scene(asker: Asker) -> None:
        for number in range(500):
            await asker.ask(wish(f"{number}"), "An answer of a usual length. " * 20)
        rollup = Path(f"/proc/{asker.keeper.pid}/smaps_rollup").read_text().splitlines()[1:]
        own.update({line.split()[0]: int(line.split()[1]) * 1024 for line in rollup})

    play(scene, folder, runtime)
    assert own["Anonymous:"] < 12 * MIB, json.dumps(own)
    assert own["Rss:"] < 40 * MIB, json.dumps(own)
