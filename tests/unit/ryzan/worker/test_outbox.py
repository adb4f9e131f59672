from __future__ import annotations

from sigmavault.core.chat import Event, Finish, Finished, Likelihood, Piece, Started, TokenLogprob
from sigmavault.ryzan import wire
from sigmavault.ryzan.worker.outbox import Outbox

DONE = Finished(finish=Finish.STOP, completion_tokens=3)
SURE = TokenLogprob(chosen=Likelihood(token=b"b", logprob=-1.0))


def sent(box: Outbox) -> list[tuple[int, Event]]:
    return [(frame["id"], wire.read_event(frame)) for frame in wire.Decoder().feed(box.take())]


def test_first_part_of_an_answer_is_urgent_and_later_ones_are_gathered() -> None:
    box = Outbox()
    box.add(1, Started(prompt_tokens=1))
    box.add(1, Piece(text="a"))
    assert sent(box) == [(1, Started(prompt_tokens=1)), (1, Piece(text="a"))]
    box.add(1, Piece(text="b", logprobs=(SURE,)))
    box.add(2, Piece(text="x"))
    assert box.is_urgent  # the other one's first
    assert len(sent(box)) == 2
    for text in "cde":
        box.add(1, Piece(text=text, logprobs=(SURE,)))
    urgent = [box.is_urgent]
    box.add(1, DONE)
    assert [*urgent, box.is_urgent] == [False, True]
    assert sent(box) == [(1, Piece(text="cde", logprobs=(SURE,) * 3)), (1, DONE)]
    assert sent(box) == []


def test_failures_keep_their_place_and_cancelled_answers_are_dropped() -> None:
    box = Outbox()
    box.add(1, Piece(text="a"))
    box.add(2, Piece(text="b"))
    box.forget(1)
    box.put({"is": "stats"})
    (first, second) = wire.Decoder().feed(box.take())
    assert (first["is"], second["id"]) == ("stats", 2)
