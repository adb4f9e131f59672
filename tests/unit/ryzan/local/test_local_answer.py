"""From what model processes say to answers; the tickets say what the tests write down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from sigmavault.core.chat import Event, Finish, Finished, Likelihood, Piece, Started, TokenLogprob
from sigmavault.core.errors import ModelBusyError, SigmaVaultError, WorkerLostError
from sigmavault.core.tools import ToolFormat
from sigmavault.core.wish import AnswerEvent, AnswerStarted, CallDelta, ChoiceFinished, ContentDelta, Route
from sigmavault.ryzan.local.answer import LocalAnswer
from sigmavault.ryzan.local.request import Calling
from sigmavault.ryzan.supervisor import Ticket

from tests.unit.core.tools.samples import BOTH, CALLS, TANK, TOOLS

NAMES = tuple(each.name for each in TOOLS)
ROUTE = Route(model="m")
HERMES = Calling(written=ToolFormat.HERMES, tools=NAMES, most=16, leading=False)
LEADING = Calling(written=ToolFormat.HERMES, tools=NAMES, most=16, leading=True)
UPTIME = '<tool_call>\n{"name": "uptime", "arguments": {}}\n</tool_call>'
POOL = '<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n</tool_call>'

type Said = Event | SigmaVaultError


def said(*texts: str, finish: Finish = Finish.STOP, cached: int = 0, logprobs: bool = False) -> list[Said]:
    pieces = [Piece(text=each, logprobs=(mark(each),) if logprobs else ()) for each in texts]
    finished = Finished(finish=finish, completion_tokens=len(texts))
    return [Started(prompt_tokens=7, cached_tokens=cached), *pieces, finished]


def mark(text: str) -> TokenLogprob:
    return TokenLogprob(chosen=Likelihood(token=text.encode(), logprob=-1.0))


def ticket(
    events: Sequence[Said], cancelled: Callable[[int], None] = lambda _: None, number: int = 0
) -> Ticket:
    made = Ticket(number, lambda each: cancelled(each.number))
    for each in events:
        made.put(each)
    return made


async def drain(answer: LocalAnswer) -> list[AnswerEvent]:
    found = []
    while (event := await answer.next()) is not None:
        found.append(event)
    assert await answer.next() is None
    return found


def read(
    *tickets: Sequence[Said], choices: int | None = None, calling: Calling | None = None
) -> list[AnswerEvent]:
    async def work() -> list[AnswerEvent]:
        made = [ticket(each) for each in tickets]
        return await drain(LocalAnswer(ROUTE, made, choices or len(made), calling))

    return asyncio.run(work())


def text_of(events: Sequence[AnswerEvent], index: int = 0) -> str:
    return "".join(each.text for each in events if isinstance(each, ContentDelta) and each.index == index)


def calls_of(events: Sequence[AnswerEvent], index: int = 0) -> list[tuple[str, object]]:
    found: dict[int, tuple[str, str]] = {}
    for each in events:
        if isinstance(each, CallDelta) and each.index == index:
            name, arguments = found.get(each.call, ("", ""))
            found[each.call] = name + each.name, arguments + each.arguments
    assert list(found) == list(range(len(found)))
    return [(name, json.loads(arguments)) for name, arguments in found.values()]


def finish_of(events: Sequence[AnswerEvent]) -> Finish:
    (finished,) = (each for each in events if isinstance(each, ChoiceFinished))
    return finished.finish


def test_text_goes_through_as_it_comes() -> None:
    assert read(said("Hel", "lo", cached=3, logprobs=True)) == [
        AnswerStarted(prompt_tokens=7, cached_tokens=3),
        ContentDelta(index=0, text="Hel", logprobs=(mark("Hel"),)),
        ContentDelta(index=0, text="lo", logprobs=(mark("lo"),)),
        ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=2),
    ]


def test_without_tools_a_call_is_text() -> None:
    events = read(said(UPTIME))
    assert (text_of(events), calls_of(events), finish_of(events)) == (UPTIME, [], Finish.STOP)


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("name", CALLS)
def test_calls_of_every_family(name: str, size: int) -> None:
    written, answer, text, calls = CALLS[name]
    parts = [answer[at : at + size] for at in range(0, len(answer), size)]
    calling = Calling(written=written, tools=NAMES, most=16, leading=False)
    events = read(said(*parts), calling=calling)
    assert (text_of(events), calls_of(events)) == (text, calls)
    assert finish_of(events) is (Finish.TOOL_CALLS if calls else Finish.STOP)


def test_a_call_begins_with_its_id_and_name() -> None:
    events = read(said(POOL, UPTIME), calling=HERMES)
    assert calls_of(events) == BOTH
    first = [each for each in events if isinstance(each, CallDelta) and each.name]
    later = [each for each in events if isinstance(each, CallDelta) and not each.name]
    assert len({each.id for each in first}) == 2
    assert all(len(each.id) == 29 and int(each.id.removeprefix("call_"), 16) >= 0 for each in first)
    assert all(each.id == "" for each in later)


def test_one_call_only() -> None:
    calling = Calling(written=ToolFormat.HERMES, tools=NAMES, most=1, leading=False)
    events = read(said(POOL, UPTIME), calling=calling)
    assert calls_of(events) == TANK


@pytest.mark.parametrize(
    ("answer", "finish", "calls", "left", "told"),
    [
        (POOL, Finish.LENGTH, TANK, "", Finish.TOOL_CALLS),
        (POOL[:-5], Finish.LENGTH, TANK, "", Finish.TOOL_CALLS),
        (POOL[:40], Finish.LENGTH, [], POOL[:40], Finish.LENGTH),
        (f"{POOL}\n{UPTIME[:20]}", Finish.LENGTH, TANK, "", Finish.LENGTH),
        (f"{POOL}\n  {UPTIME[:5]}", Finish.LENGTH, TANK, "", Finish.LENGTH),
        (f"{POOL}{UPTIME[:20]}", Finish.STOP, TANK, UPTIME[:20], Finish.TOOL_CALLS),
        (f"{POOL}\nSo <tool", Finish.LENGTH, TANK, "\nSo <tool", Finish.TOOL_CALLS),
        (POOL[:40], Finish.STOP, [], POOL[:40], Finish.STOP),
        ("No.", Finish.LENGTH, [], "No.", Finish.LENGTH),
    ],
)
def test_what_was_cut_off_finishes_so(
    answer: str, finish: Finish, calls: list[object], left: str, told: Finish
) -> None:
    for calling in (HERMES, LEADING):
        events = read(said(*answer, finish=finish), calling=calling)
        assert (calls_of(events), text_of(events), finish_of(events)) == (calls, left, told)


def test_an_answer_of_another_form_calls_nothing() -> None:
    for answer in (f'{{"a": "{POOL}"}}', f'["x", "{UPTIME}"]', "<", "", "  "):
        events = read(said(*answer), calling=LEADING)
        assert (text_of(events), calls_of(events), finish_of(events)) == (answer, [], Finish.STOP)
    events = read(said(*f"\n{POOL}{UPTIME}"), calling=LEADING)
    assert (text_of(events), calls_of(events), finish_of(events)) == ("", BOTH, Finish.TOOL_CALLS)


def logprobs_of(events: Sequence[AnswerEvent]) -> list[tuple[str, list[str]]]:
    return [
        (each.text, [told.chosen.token.decode() for told in each.logprobs])
        for each in events
        if isinstance(each, ContentDelta)
    ]


def test_logprobs_come_with_their_text() -> None:
    """What is held back holds back its log probabilities; those of a call are not told."""
    told = logprobs_of(read(said("I <", "too", "l", "!", logprobs=True), calling=HERMES))
    assert told == [("I ", ["I <"]), ("<tool!", ["too", "l", "!"])]
    called = read(said("See", ": ", "<tool_call>", *UPTIME[11:], logprobs=True), calling=HERMES)
    assert logprobs_of(called) == [("See", ["See"]), (": ", [": "])]
    assert calls_of(called) == [("uptime", {})]


def test_logprobs_of_half_characters_are_told() -> None:
    begin, end = Piece(text="", logprobs=(mark("a"),)), Piece(text="\N{SNOWMAN}", logprobs=(mark("b"),))
    done = Finished(finish=Finish.STOP, completion_tokens=3)
    events = read([Started(prompt_tokens=1), begin, end, begin, done], calling=HERMES)
    assert logprobs_of(events) == [("\N{SNOWMAN}", ["a", "b"]), ("", ["a"])]


def test_choices_come_as_they_come_and_start_once() -> None:
    events = read(said("a", "b", cached=1), said("c", cached=7, finish=Finish.LENGTH), said())
    assert events[0] == AnswerStarted(prompt_tokens=7, cached_tokens=1)
    assert sum(isinstance(each, AnswerStarted) for each in events) == 1
    assert [text_of(events, at) for at in range(3)] == ["ab", "c", ""]
    finished = sorted((each.index, each.finish) for each in events if isinstance(each, ChoiceFinished))
    assert finished == [(0, Finish.STOP), (1, Finish.LENGTH), (2, Finish.STOP)]


def test_equal_choices_are_computed_once_and_have_ids_of_their_own() -> None:
    events = read(said("So: ", POOL), choices=3, calling=HERMES)
    assert [text_of(events, at) for at in range(3)] == ["So: "] * 3
    assert [calls_of(events, at) for at in range(3)] == [TANK] * 3
    assert len({each.id for each in events if isinstance(each, CallDelta) and each.id}) == 3
    finished = [each for each in events if isinstance(each, ChoiceFinished)]
    assert [each.index for each in finished] == [0, 1, 2]
    assert {each.completion_tokens for each in finished} == {2}


@pytest.mark.parametrize("count", [1, 3])
def test_one_failure_ends_all(count: int) -> None:
    async def work() -> None:
        cancelled: list[int] = []
        fine = [ticket(said("a")[:-1], cancelled.append, at) for at in range(count - 1)]
        broken = ticket([Started(prompt_tokens=7), WorkerLostError("gone")], cancelled.append, count - 1)
        answer = LocalAnswer(ROUTE, [*fine, broken], count, None)
        with pytest.raises(WorkerLostError):
            await drain(answer)
        assert cancelled == list(range(count))
        assert await answer.next() is None
        assert await ended()

    asyncio.run(work())


async def ended() -> bool:
    """Whether no task is left once the loop has gone round."""
    await asyncio.sleep(0)
    return asyncio.all_tasks() == {asyncio.current_task()}


def test_cancel_ends_all_and_is_harmless_later() -> None:
    async def work() -> None:
        cancelled: list[int] = []
        tickets = [ticket(said("a")[:-1], cancelled.append, at) for at in range(2)]
        answer = LocalAnswer(ROUTE, tickets, 2, None)
        assert isinstance(await answer.next(), AnswerStarted)
        answer.cancel()
        answer.cancel()
        assert set(cancelled) == {0, 1}
        assert await ended()

    asyncio.run(work())


def test_refused_before_it_started() -> None:
    with pytest.raises(ModelBusyError):
        read([ModelBusyError("full")], said("a"))
