"""Reuse of prompts on a model that is computed by hand: every token before it decides the next one, so a
sequence that holds a wrong token answers wrongly."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.chat import Finished, GenerateRequest, Piece, Reuse, Sampling, Started, Tokens
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits
from sigmavault.ryzan.worker.states import States

from tests.unit.ryzan.worker.counter import Counter, Told, engine

SAMPLING = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=0)
MINE = Reuse(space="uid:1000")
LONG = [number % 7 for number in range(100)]


def ask(one: Engine, number: int, prompt: list[int], reuse: Reuse = MINE, limit: int = 6) -> None:
    request = GenerateRequest(prompt=Tokens(tokens=()), sampling=SAMPLING, max_tokens=limit, reuse=reuse)
    one.ask(number, list(prompt), request)


def finish(one: Engine) -> None:
    while one.busy:
        one.step()


def rest(one: Engine) -> None:
    while one.context.has_work:
        one.context.work()


def cached(told: Told, number: int) -> int:
    (started,) = (event for of, event in told if of == number and isinstance(event, Started))
    return started.cached_tokens


def text(told: Told, number: int) -> str:
    return "".join(event.text for of, event in told if of == number and isinstance(event, Piece))


def deep(*, recurrent: bool = False, context: int = 600, kept: int = 4) -> Counter:
    limits = Limits(context=context, sequences=4, batch=32, kept=kept)
    return Counter(limits, recurrent=recurrent, is_deep=True)


def test_second_prompt_computes_only_what_differs() -> None:
    one, llama, told = engine(llama=deep())
    ask(one, 1, [*LONG, 1, 2])
    finish(one)
    before = llama.computed
    ask(one, 2, [*LONG, 3])
    finish(one)
    assert (cached(told, 1), cached(told, 2)) == (0, 100)
    assert llama.computed - before <= 1 + 6
    assert text(told, 2) == llama.answer([*LONG, 3], 6)


def test_same_prompt_computes_its_last_token() -> None:
    one, llama, told = engine(llama=deep())
    for number in (1, 2):
        ask(one, number, LONG)
        finish(one)
    assert cached(told, 2) == 99
    assert text(told, 1) == text(told, 2) == llama.answer(LONG, 6)


def test_next_turn_also_reuses_the_answer() -> None:
    one, _, told = engine(llama=deep())
    ask(one, 1, LONG)
    finish(one)
    answer = [int(each) for each in text(told, 1)]
    ask(one, 2, [*LONG, *answer, 4, 4])
    finish(one)
    assert cached(told, 2) >= 100 + len(answer) - 1


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (Reuse(space="a"), Reuse(space="a"), True),
        (Reuse(space="a"), Reuse(space="b"), False),
        (Reuse(space="a", key="k"), Reuse(space="b", key="k"), True),
        (Reuse(space="a", key="k"), Reuse(space="b", key="l"), False),
        (Reuse(space="a", key="k"), Reuse(space="b"), False),
        (Reuse(space="a", enabled=False), Reuse(space="a"), False),
        (Reuse(space="a"), Reuse(space="a", enabled=False), False),
    ],
)
def test_states_are_shared_within_one_space_or_one_name(first: Reuse, second: Reuse, shared: bool) -> None:
    one, llama, told = engine(llama=deep())
    ask(one, 1, LONG, first)
    finish(one)
    ask(one, 2, LONG, second)
    finish(one)
    assert (cached(told, 2) > 0) == shared
    assert text(told, 2) == llama.answer(LONG, 6)


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_name_shares_the_prompt_and_never_the_answer(recurrent: bool) -> None:
    one, _, told = engine(llama=deep(recurrent=recurrent))
    ask(one, 1, LONG, Reuse(space="a", key="k"))
    finish(one)
    longer = [*LONG, *(int(each) for each in text(told, 1)), 1, 1, 1]
    ask(one, 2, longer, Reuse(space="b", key="k"))
    finish(one)
    assert len(text(told, 1)) > 2
    assert 99 <= cached(told, 2) <= 100


@pytest.mark.parametrize("recurrent", [False, True])
def test_equal_prompts_at_once_are_read_once(recurrent: bool) -> None:
    one, llama, told = engine(llama=deep(recurrent=recurrent))
    for number in range(4):
        ask(one, number, LONG)
    finish(one)
    assert [cached(told, number) for number in range(4)] == [0, 99, 99, 99]
    assert llama.computed <= 100 + 4 * 7
    assert {text(told, number) for number in range(4)} == {llama.answer(LONG, 6)}


def test_who_waits_for_a_prompt_that_is_cancelled_reads_it_himself() -> None:
    one, llama, told = engine(llama=deep())
    ask(one, 1, LONG)
    ask(one, 2, LONG)
    one.step()
    one.cancel(1)
    finish(one)
    assert text(told, 2) == llama.answer(LONG, 6)
    assert llama.computed <= 100 + 7


def test_recurrent_model_reuses_whole_states_only() -> None:
    one, llama, told = engine(llama=deep(recurrent=True))
    for number in range(3):
        prompt = [*LONG, number, number]
        ask(one, number, prompt)
        finish(one)
        assert text(told, number) == llama.answer(prompt, 6)
    # the second one saw where it parts from the first, and left a snapshot there for the third
    assert [cached(told, number) for number in range(3)] == [0, 0, 100]


def test_parked_prompts_never_make_a_request_wait_or_fail() -> None:
    one, llama, told = engine(llama=deep(context=400))
    for number in range(6):
        ask(one, number, [number, *LONG])
        finish(one)
    assert llama.used > 200
    ask(one, 10, [8] * 390)
    one.step()
    assert cached(told, 10) == 0
    finish(one)
    assert text(told, 10) == llama.answer([8] * 390, 6)


def test_what_is_parked_leaves_for_what_computes_if_it_can_come_back() -> None:
    for budget, least, most in ((10_000, 5, 105), (0, 305, 400)):
        states = States(identity=b"", ram_budget=budget)
        one, llama, _ = engine(llama=deep(context=400), states=states)
        for number in range(3):
            ask(one, number, [number, *LONG])
            finish(one)
        ask(one, 10, [8] * 5)
        one.step()
        assert least <= llama.used <= most


@pytest.mark.parametrize("recurrent", [False, True])
def test_evicted_prompts_come_back_from_memory(recurrent: bool) -> None:
    states = States(identity=b"", ram_budget=10_000, is_whole=recurrent)
    one, llama, told = engine(llama=deep(recurrent=recurrent), states=states)
    ask(one, 1, LONG)
    finish(one)
    one.context.clear()
    assert llama.cells == {}
    before = llama.computed
    ask(one, 2, [*LONG, 5])
    finish(one)
    assert cached(told, 2) >= 99
    assert llama.computed - before < 10
    assert text(told, 2) == llama.answer([*LONG, 5], 6)
    assert 0 < states.ram_bytes <= 10_000


@pytest.mark.parametrize("recurrent", [False, True])
def test_named_prompts_survive_the_process(tmp_path: Path, recurrent: bool) -> None:
    def start() -> tuple[Engine, Counter, Told]:
        states = States(
            identity=b"x" * 32, ram_budget=10**6, folder=tmp_path, disk_budget=10**6, is_whole=recurrent
        )
        return engine(llama=deep(recurrent=recurrent), states=states)

    named = Reuse(space="a", key="agent")
    one, _, _ = start()
    ask(one, 1, LONG, named)
    ask(one, 2, LONG[::-1])
    finish(one)
    one.context.close()
    (file,) = tmp_path.iterdir()
    assert "agent" not in file.name
    assert file.stat().st_mode & 0o777 == 0o600

    one, llama, told = start()
    before = llama.computed
    ask(one, 1, LONG, Reuse(space="b", key="agent"))
    ask(one, 2, LONG[::-1])
    ask(one, 3, LONG, Reuse(space="a"))
    finish(one)
    assert (cached(told, 1), cached(told, 2), cached(told, 3)) == (99, 0, 0)
    assert llama.computed - before <= 1 + 100 + 100 + 3 * 6
    assert text(told, 1) == llama.answer(LONG, 6)


def test_name_whose_prompt_hardly_changes_is_written_once(tmp_path: Path) -> None:
    states = States(identity=b"x" * 32, ram_budget=10**6, folder=tmp_path, disk_budget=10**6)
    one, _, told = engine(llama=deep(), states=states)
    for number in range(5):
        ask(one, number, [*LONG, number, number], Reuse(space=str(number), key="agent"))
        finish(one)
        rest(one)
    assert len(list(tmp_path.iterdir())) == 1
    assert [cached(told, number) for number in range(5)] == [0, 100, 100, 100, 100]


@dataclass
class World:
    """Requests in flight at one engine, and at its successors."""

    recurrent: bool
    context: int
    folder: Path
    number: int = 0
    asked: dict[int, tuple[list[int], int]] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        states = States(
            identity=b"x" * 32, ram_budget=3_000, folder=self.folder, disk_budget=20_000,
            is_whole=self.recurrent,
        )  # fmt: skip
        llama = deep(recurrent=self.recurrent, context=self.context, kept=3)
        self.engine, self.llama, self.told = engine(llama=llama, states=states)

    def ask(self, prompt: list[int], limit: int, reuse: Reuse) -> None:
        self.number += 1
        self.asked[self.number] = (prompt, limit)
        ask(self.engine, self.number, prompt, reuse, limit)

    def cancel(self, back: int) -> None:
        self.engine.cancel(self.number - back)
        self.cancelled.add(self.number - back)

    def restart(self) -> None:
        self.settle()
        self.engine.context.close()
        self.start()

    def settle(self) -> None:
        """Finish everything; every answer must be what the model says without any reuse."""
        finish(self.engine)
        finished = {of for of, event in self.told if isinstance(event, Finished)}
        for number, (prompt, limit) in self.asked.items():
            if number in finished:
                assert text(self.told, number) == self.llama.answer(prompt, limit)
            else:
                assert number in self.cancelled
        self.asked.clear()
        assert self.llama.samplers == 0
        assert self.llama.recurrent or self.llama.used == sum(
            each.length - each.shared for each in self.engine.context._prefixes.held
        )
        assert set(self.llama.cells) == {each.slot for each in self.engine.context._prefixes.held}


stems = st.sampled_from([LONG, LONG[:70], LONG[::-1], [1, 2, 3], [5] * 90])
prompts = st.tuples(stems, st.lists(st.integers(0, 8), max_size=80)).map(lambda pair: [*pair[0], *pair[1]])
reuses = st.builds(
    Reuse,
    space=st.sampled_from("ab"),
    key=st.sampled_from(["", "k", "l"]),
    enabled=st.sampled_from([True, True, False]),
)
deeds = st.one_of(
    st.tuples(st.just("ask"), prompts, st.integers(1, 30), reuses),
    st.tuples(st.just("step"), st.integers(1, 12)),
    st.tuples(st.just("cancel"), st.integers(0, 4)),
    st.tuples(st.just("rest"), st.integers(1, 4)),
    st.tuples(st.just("restart")),
)


@given(st.lists(deeds, max_size=30), st.booleans(), st.integers(230, 700))
def test_reuse_never_changes_an_answer(done: list[tuple[object, ...]], recurrent: bool, context: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(recurrent=recurrent, context=context, folder=Path(folder))
        for deed in done:
            match deed:
                case ("ask", list() as prompt, int() as limit, Reuse() as reuse):
                    world.ask(prompt, limit, reuse)
                case ("step", int() as count):
                    for _ in range(count):
                        if world.engine.busy:
                            world.engine.step()
                case ("cancel", int() as back):
                    world.cancel(back)
                case ("rest", int() as count):
                    for _ in range(count):
                        world.engine.context.work()
                case _:
                    world.restart()
        world.settle()
        world.engine.context.clear()
        assert world.llama.cells == {}


def test_counts() -> None:
    one, _, _ = engine(llama=deep())
    for number, reuse in enumerate([MINE, MINE, replace(MINE, enabled=False)]):
        ask(one, number, LONG, reuse)
        finish(one)
    counts = one.context.counts
    assert (counts.hits, counts.misses, counts.tokens_saved) == (1, 1, 99)
