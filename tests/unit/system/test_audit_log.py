from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sigmavault.core.audit import Event, Facts
from sigmavault.core.errors import AuditError
from sigmavault.system import audit_log
from sigmavault.system.audit_log import AuditLog

LOG = Path("var/log/sigmavault/audit.jsonl")


def open_log(root: Path, **more: int) -> AuditLog:
    return AuditLog(root, lambda: 1_790_000_000.0, tell=lambda _: True, **more)


def facts(name: str) -> Facts:
    return Facts(event=Event.READ, operation=name)


def fill(root: Path, count: int, **more: int) -> None:
    log = open_log(root, **more)
    for number in range(count):
        log.append(facts(f"pool.{number}"))
    log.close()


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    fill(tmp_path, 3)
    verdict = audit_log.check(tmp_path)
    assert (verdict.records, verdict.finding) == (6, None)
    assert [each.seq for each in audit_log.newest(tmp_path)] == [6, 5, 4, 3, 2, 1]


def test_the_chain_goes_on_over_files_and_the_oldest_go(tmp_path: Path) -> None:
    fill(tmp_path, 40, full_bytes=1000, most=3)
    names = [path.name for path in audit_log.files(tmp_path)]
    assert len(names) == 3
    assert names[-1] == "audit.jsonl"
    verdict = audit_log.check(tmp_path)
    assert verdict.finding is None
    assert verdict.last.seq == 40
    assert 0 < verdict.records < 40
    audit_log.files(tmp_path)[0].unlink()  # but nobody else may remove them
    finding = audit_log.check(tmp_path).finding
    assert finding is not None
    assert "are missing" in finding.text


def test_a_file_left_over_by_a_power_cut_in_the_removal_is_not_counted(tmp_path: Path) -> None:
    fill(tmp_path, 12, full_bytes=1000, most=99)
    oldest = audit_log.files(tmp_path)[0]
    kept = oldest.read_text()
    fill(tmp_path, 1, full_bytes=1, most=len(audit_log.files(tmp_path)) - 1)
    assert not oldest.exists()
    oldest.write_text(kept)
    assert audit_log.check(tmp_path).finding is None


def test_a_line_that_was_not_written_whole_is_dropped_and_told(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    with (tmp_path / LOG).open("a") as file:
        file.write('{"arguments":{},"digest":"","eve')
    fill(tmp_path, 1)
    assert [each.event for each in audit_log.newest(tmp_path)] == [
        Event.READ, Event.RECOVERED, Event.READ, Event.READ,
    ]  # fmt: skip
    assert audit_log.check(tmp_path).finding is None


def cut_end(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:-2])


def empty(text: str) -> str:
    return ""


def shorten(text: str) -> str:
    return text[:-5]


@pytest.mark.parametrize("damage", [cut_end, empty, shorten])
@pytest.mark.parametrize("goes_on", [False, True])
def test_an_end_that_was_cut_off_is_found(
    tmp_path: Path, damage: Callable[[str], str], *, goes_on: bool
) -> None:
    fill(tmp_path, 5)
    text = (tmp_path / LOG).read_text()
    (tmp_path / LOG).write_text(damage(text))
    if goes_on:  # a daemon that writes on does not cover it up
        fill(tmp_path, 2)
    finding = audit_log.check(tmp_path).finding
    assert finding is not None
    assert "missing" in finding.text


def test_a_log_whose_head_is_gone_is_not_believed(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    (tmp_path / audit_log.HEAD).unlink()
    finding = audit_log.check(tmp_path).finding
    assert finding is not None
    assert "nobody knows" in finding.text
    fill(tmp_path, 1)
    assert [each.message for each in audit_log.newest(tmp_path)][1] == "the end of the chain was not known"


def test_nothing_was_ever_written(tmp_path: Path) -> None:
    assert audit_log.check(tmp_path).finding is None
    open_log(tmp_path).close()
    assert audit_log.check(tmp_path).finding is None


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / LOG).parent.mkdir(parents=True)
    (tmp_path / LOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError):
        open_log(tmp_path)
