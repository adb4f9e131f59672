"""What guessing has brought, as it is judged and kept."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.ryzan.worker.verdict import ALONE, Verdict, Verdicts, judge

RATE = st.floats(0.1, 1000)
PAIRS = st.lists(st.tuples(RATE, RATE), min_size=1, max_size=6)


@given(PAIRS)
def test_gain_lies_between_those_of_the_prompts(pairs: list[tuple[float, float]]) -> None:
    verdict = judge({ALONE: [alone for alone, _ in pairs], "lookup": [rate for _, rate in pairs]})
    ratios = [rate / alone for alone, rate in pairs]
    assert min(ratios) * 0.999 <= verdict.gains["lookup"] <= max(ratios) * 1.001
    assert (verdict.best == ALONE) == (verdict.gains["lookup"] < 1.1)
    assert verdict.spell().startswith("no gain" if verdict.best == ALONE else "on")


def test_verdict_is_told_with_its_figures() -> None:
    runs = {ALONE: [10.0, 20.0], "prompt lookup": [20.0, 20.0], "draft model": [5.0, 10.0]}
    verdict = judge(runs)
    assert verdict.best == "prompt lookup"
    assert verdict.spell() == "on: 1.41x by prompt lookup"
    assert verdict.rates[ALONE] == pytest.approx(40 / 3)
    del runs["prompt lookup"]
    assert judge(runs).spell() == "no gain: 0.50x by draft model"


def test_a_tenth_is_the_least_gain() -> None:
    assert Verdict({}, {"lookup": 1.09}).best == ALONE
    assert Verdict({}, {"lookup": 1.1}).best == "lookup"


def test_verdicts_are_kept_by_pair(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path / "new")
    verdict = judge({ALONE: [10.0], "lookup": [12.0]})
    assert verdicts.read("a") == 0
    verdicts.attempt("a", 1)
    assert verdicts.read("a") == 1
    verdicts.keep("a", verdict)
    assert Verdicts(tmp_path / "new").read("a") == verdict
    assert verdicts.read("b") == 0


def test_old_verdicts_are_given_up(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path)
    for number in range(80):
        verdicts.attempt(f"pair-{number}", 1)
    assert len(list(tmp_path.iterdir())) <= 64
    assert verdicts.read("pair-79") == 1


@pytest.mark.parametrize(
    "content",
    ["", "[]", "3", "{", '{"gains": {}}', '{"gains": 3, "rates": {}}', '{"gains": {"x": -1}, "rates": {}}',
     '{"gains": {"x": NaN}, "rates": {}}', '{"attempts": "x"}', "\ud800"],
)  # fmt: skip
def test_damaged_file_is_no_verdict(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content.encode(errors="surrogatepass"))
    assert Verdicts(tmp_path).read("a") == 0


def test_without_a_folder_nothing_is_kept() -> None:
    verdicts = Verdicts(None)
    verdicts.keep("a", judge({ALONE: [1.0], "lookup": [math.e]}))
    assert verdicts.read("a") == 0


def test_a_full_disk_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "folder").write_text("a file is in the way")
    verdicts = Verdicts(tmp_path / "folder")
    verdicts.attempt("a", 1)
    assert verdicts.read("a") == 0
    assert "is not kept" in caplog.text
