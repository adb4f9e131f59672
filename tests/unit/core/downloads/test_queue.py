from __future__ import annotations

import itertools

import pytest
from sigmavault.core.downloads.queue import MOST, Download, DownloadState, Queue, decode
from sigmavault.core.errors import ConfigError, InvalidRequestError, TooManyCallsError, UnknownObjectError

Q, R, P, V, D, F = DownloadState


def test_the_first_that_waits_has_its_turn_and_one_runs_at_a_time() -> None:
    queue = Queue()
    queue.add("a", 10)
    queue.add("b", 10)
    first = queue.next()
    assert first is not None
    assert first.id == "a"
    queue.put(first.to(R))
    assert queue.next() is None
    queue.put(queue.find("a").to(V))
    assert queue.next() is None
    queue.put(queue.find("a").to(D))
    second = queue.next()
    assert second is not None
    assert second.id == "b"


@pytest.mark.parametrize(("before", "after"), itertools.product(DownloadState, DownloadState))
def test_only_what_makes_sense_leads_from_one_state_to_another(
    before: DownloadState, after: DownloadState
) -> None:
    allowed = {
        Q: {R, P, F}, R: {Q, P, V, F}, V: {R, Q, P, D, F}, P: {Q}, F: {Q, P}, D: set[DownloadState](),
    }  # fmt: skip
    download = Download(id="a", size=1, state=before)
    if after in allowed[before]:
        assert download.to(after, "why").reason == "why"
    else:
        with pytest.raises(InvalidRequestError, match=f"is {before}"):
            download.to(after)


@pytest.mark.parametrize(("state", "becomes"), [(Q, Q), (R, R), (V, V), (P, Q), (F, Q), (D, Q)])
def test_asked_for_again_a_download_goes_on(state: DownloadState, becomes: DownloadState) -> None:
    queue = Queue((Download(id="a", size=9, bytes=5, state=state, reason="x"),))
    assert queue.add("a", 9).state is becomes
    assert len(list(queue)) == 1


def test_what_was_running_waits_after_a_restart_and_what_is_done_is_forgotten() -> None:
    downloads = tuple(Download(id=state, size=9, bytes=5, state=state) for state in DownloadState)
    kept = {each.id: each for each in decode(Queue(downloads).encode())}
    assert {name: each.state for name, each in kept.items()} == {
        "queued": Q, "running": Q, "verifying": Q, "paused": P, "failed": F,
    }  # fmt: skip
    assert kept["running"].bytes == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "downloads": []}',
        '{"schema": 1, "downloads": [{"id": "a"}]}',
        "[" * 5000,
    ],
)
def test_a_damaged_queue_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        decode(text)


def test_the_queue_is_not_endless() -> None:
    queue = Queue()
    for number in range(MOST):
        queue.add(str(number), 1)
    with pytest.raises(TooManyCallsError):
        queue.add("more", 1)
    assert queue.add("0", 1).state is Q


def test_a_queue_rests_when_nothing_goes_on_by_itself() -> None:
    for state in DownloadState:
        assert Queue((Download(id="a", size=1, state=state),)).is_at_rest is (state in (P, D, F))


def test_what_is_not_in_the_queue_is_not_known() -> None:
    with pytest.raises(UnknownObjectError):
        Queue().find("a")
