from __future__ import annotations

import json

import pytest
from sigmavault.core.audit import Event, Facts, Head, Line, Record, Who, parse, seal, verify

WHO = Who(name=":1.7", uid=1000, user="anna", place="192.168.1.5")


def chain(count: int) -> list[Record]:
    last, made = Head(), []
    for number in range(count):
        facts = Facts(event=Event.READ, who=WHO, operation="pool.list", arguments={"number": number})
        made.append(seal(facts, last, 1_790_000_000.0 + number))
        last = made[-1].head
    return made


def lines(records: list[Record]) -> list[Line]:
    return [Line(file="audit.jsonl", number=at, text=each.line()) for at, each in enumerate(records, 1)]


def renumbered(found: list[Line]) -> list[Line]:
    return [line.model_copy(update={"number": at}) for at, line in enumerate(found, 1)]


RECORDS = chain(6)
HEAD = RECORDS[-1].head


def test_a_whole_chain_is_right() -> None:
    verdict = verify(lines(RECORDS), Head(), HEAD)
    assert (verdict.records, verdict.last, verdict.finding) == (6, HEAD, None)
    assert verify([], Head(), Head()).finding is None


def test_records_after_the_head_are_right_too() -> None:
    assert verify(lines(RECORDS), Head(), RECORDS[3].head).finding is None


@pytest.mark.parametrize("at", range(6))
def test_a_line_that_was_cut_out_is_found(at: int) -> None:
    left = lines(RECORDS)
    del left[at]
    verdict = verify(renumbered(left), Head(), HEAD)
    assert verdict.finding is not None
    assert verdict.records == at
    assert f"records {at + 1} to {at + 1} are missing" in verdict.finding.text
    assert verdict.finding.line == (at + 1 if at < 5 else 0)


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize(
    ("old", "new"),
    [('"anna"', '"eve"'), ('"ok"', '"auth.denied"'), ("14:13", "14:12"), ("pool.list", "pool.lisT")],
)
def test_a_line_that_was_altered_is_found(at: int, old: str, new: str) -> None:
    altered = lines(RECORDS)
    assert old in altered[at].text
    altered[at] = altered[at].model_copy(update={"text": altered[at].text.replace(old, new)})
    finding = verify(altered, Head(), HEAD).finding
    assert finding is not None
    assert (finding.line, finding.text) == (at + 1, "this record was altered")


@pytest.mark.parametrize("at", range(1, 6))
def test_a_line_that_was_put_in_is_found(at: int) -> None:
    made_up = seal(Facts(event=Event.READ, operation="disk.list"), RECORDS[at - 1].head, 0.0)
    with_it = [
        *lines(RECORDS)[:at],
        Line(file="audit.jsonl", number=0, text=made_up.line()),
        *lines(RECORDS)[at:],
    ]
    finding = verify(renumbered(with_it), Head(), HEAD).finding
    assert finding is not None
    assert finding.line == at + 2  # it fits; the one after it does not any more


def test_a_chain_made_anew_does_not_fit_the_head() -> None:
    other = chain(5)
    last = other[-1].head
    other.append(seal(Facts(event=Event.READ, operation="made.up"), last, 0.0))
    finding = verify(lines(other), Head(), HEAD).finding
    assert finding is not None
    assert "replaced" in finding.text


def test_a_chain_without_its_removed_beginning_is_right() -> None:
    verdict = verify(lines(RECORDS[3:]), RECORDS[2].head, HEAD)
    assert (verdict.finding, verdict.records) == (None, 3)
    assert verify([], HEAD, HEAD).finding is None


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[]", "x", '{"seq":1}', RECORDS[0].line() + " ", " " + RECORDS[0].line(),
             json.dumps(json.loads(RECORDS[0].line()), indent=1)]
)  # fmt: skip
def test_what_is_not_a_record_as_it_was_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="record"):
        parse(text)


def test_nobody_fills_the_log_with_one_call() -> None:
    facts = Facts(event=Event.READ, arguments={"name": "x" * 200_000}, message="y" * 10_000)
    assert len(seal(facts, Head(), 0.0).line()) < 1500
