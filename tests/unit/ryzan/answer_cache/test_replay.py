"""Answers that are given again, and those that are listened to."""

from __future__ import annotations

import asyncio

import pytest
from sigmavault.core.answer_cache import LONGEST_ANSWER
from sigmavault.core.chat import Finish, Likelihood, TokenLogprob
from sigmavault.core.errors import WorkerLostError
from sigmavault.core.wish import (
    Answer,
    AnswerEvent,
    AnswerStarted,
    CallDelta,
    ChoiceFinished,
    ContentDelta,
    Route,
)
from sigmavault.ryzan.answer_cache.replay import CachedAnswer, Recorded

STARTED = AnswerStarted(prompt_tokens=9, cached_tokens=4)
STOPPED = ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=2)
type Scripted = AnswerEvent | WorkerLostError

LIKELY = TokenLogprob(chosen=Likelihood(token=b"a", logprob=0.0))


def said(text: str) -> ContentDelta:
    return ContentDelta(index=0, text=text)


class Live:
    """An answer by a script; an error in it is raised."""

    route = Route(model="m")

    def __init__(self, *events: Scripted) -> None:
        self.events = list(events)
        self.cancelled = False

    async def next(self) -> AnswerEvent | None:
        event = self.events.pop(0) if self.events else None
        if isinstance(event, WorkerLostError):
            raise event
        return event

    def cancel(self) -> None:
        self.cancelled = True


async def drain(answer: Answer) -> list[AnswerEvent]:
    events = []
    while (event := await answer.next()) is not None:
        events.append(event)
    return events


def listen(*events: Scripted) -> tuple[list[AnswerEvent], list[tuple[str, int, int]]]:
    kept: list[tuple[str, int, int]] = []
    answer = Recorded(Live(*events), lambda *told: kept.append(told))
    try:
        return asyncio.run(drain(answer)), kept
    except WorkerLostError:
        return [], kept


def test_a_complete_answer_is_kept_and_passed_on_as_it_is() -> None:
    events: list[AnswerEvent] = [STARTED, said("Good "), said("morning"), STOPPED]
    assert listen(*events) == (events, [("Good morning", 9, 2)])


UNFIT: dict[str, list[Scripted]] = {
    "length": [STARTED, said("a"), ChoiceFinished(index=0, finish=Finish.LENGTH, completion_tokens=1)],
    "failed": [STARTED, said("a"), WorkerLostError("gone")],
    "partial": [STARTED, said("a")],
    "call": [STARTED, CallDelta(index=0, call=0, id="c", name="t"), STOPPED],
    "logprobs": [STARTED, ContentDelta(index=0, text="a", logprobs=(LIKELY,)), STOPPED],
    "two choices": [STARTED, said("a"), ContentDelta(index=1, text="b"), STOPPED],
    "long": [STARTED, said("a" * (LONGEST_ANSWER + 1)), STOPPED],
    "never began": [said("a"), STOPPED],
}


@pytest.mark.parametrize("events", UNFIT.values(), ids=UNFIT)
def test_anything_else_is_not_kept(events: list[Scripted]) -> None:
    assert listen(*events)[1] == []


def test_a_cancelled_answer_is_not_kept_and_its_work_ends() -> None:
    kept: list[tuple[str, int, int]] = []
    live = Live(STARTED, said("a"), STOPPED)
    answer = Recorded(live, lambda *told: kept.append(told))

    async def hang_up() -> None:
        await answer.next()
        answer.cancel()
        await drain(answer)

    asyncio.run(hang_up())
    assert live.cancelled
    assert kept == []


def test_a_kept_answer_looks_like_one_whose_prompt_was_computed_before() -> None:
    answer = CachedAnswer(Route(model="m"), "Good morning", prompt_tokens=9, completion_tokens=2)
    assert asyncio.run(drain(answer)) == [
        AnswerStarted(prompt_tokens=9, cached_tokens=9),
        said("Good morning"),
        STOPPED,
    ]


def test_an_empty_answer_has_no_text() -> None:
    answer = CachedAnswer(Route(model="m"), "", prompt_tokens=9, completion_tokens=1)
    assert not any(isinstance(each, ContentDelta) for each in asyncio.run(drain(answer)))


def test_a_kept_answer_ends_when_it_is_cancelled() -> None:
    answer = CachedAnswer(Route(model="m"), "x", prompt_tokens=1, completion_tokens=1)
    answer.cancel()
    assert asyncio.run(drain(answer)) == []
