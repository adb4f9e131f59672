from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.bench.bars import Figures, Row, render_table, rows

IMAGE_PART = "its image part against a plain `lb build`"
GOOD = Figures(
    commit="abc", machine={"cpu": "2 x X"}, cold=1500, image_part=700, peer=800, unchanged=4.25,
    changed={"services": 200, "overlay": 210, "roles": 299.9}, iso_bytes=1_100_000_000,
    ci_cold=4000, ci_warm=1700,
)  # fmt: skip
BOOTS: dict[str, dict[str, Any]] = {
    "iso": {"accel": "tcg", "login_prompt_s": 110.0, "model_ready_s": 170.0, "restore_s": 5.0,
            "memory_used_bytes": 700_000_000, "model_memory_bytes": 200_000_000},
    "disk": {"restore_s": 8.5, "memory_used_bytes": 450_000_000, "model_memory_bytes": 200_000_000},
}  # fmt: skip


def table(figures: Figures, boots=BOOTS) -> dict[str, Row]:
    return {row.what: row for row in rows(figures, boots)}


def changed(**values) -> Figures:
    return replace(GOOD, **values)


def test_good_figures_meet_every_bar():
    assert {row.met for row in table(GOOD).values()} == {True}


def test_without_figures_every_bar_is_open():
    found = table(Figures(), {})
    assert len(found) == 14
    assert {(row.met, row.value) for row in found.values()} == {(None, "not measured")}


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"cold": 1800.0}, "cold `make iso`, all together"),
        ({"image_part": 801}, IMAGE_PART),
        ({"unchanged": 10.0}, "`make iso` with nothing changed"),
        ({"changed": {"roles": 300}}, "rebuild after one file in `roles/`"),
        ({"iso_bytes": 1_600_000_000}, "desktop ISO with the model inside"),
        ({"ci_cold": 4200}, "`.ci/run`, cold"),
        ({"ci_warm": 1800}, "`.ci/run`, warm"),
    ],
)
def test_a_figure_at_the_bar_misses_it(values, what):
    assert table(changed(**values))[what].met is False


def test_a_rebuild_under_five_minutes_can_still_be_too_slow_for_its_cold_build():
    row = table(changed(cold=1000))["rebuild after one file in `overlay/`"]
    assert (row.met, row.value) == (False, "3 min 30 s = 0.21 x cold")


def test_a_rebuild_without_a_cold_build_is_open_or_missed():
    found = table(changed(cold=None, changed={"services": 100, "roles": 400}))
    assert found["rebuild after one file in `services/`"].met is None
    assert found["rebuild after one file in `roles/`"].met is False


def test_the_image_part_needs_its_peer():
    row = table(changed(peer=None))[IMAGE_PART]
    assert (row.met, row.value) == (None, "11 min 40 s, peer not measured")
    assert table(GOOD)[IMAGE_PART].value == "11 min 40 s, peer 13 min 20 s = 0.88"


def test_memory_is_without_the_model_and_the_slowest_restore_counts():
    found = table(GOOD)
    assert found["memory when ready, `server` without the model"].value == "250 MB"
    assert found["memory when ready, `desktop` without the model"].value == "500 MB"
    assert found["restore of a VM checkpoint"].value == "8.5 s"
    assert found["ISO to login prompt"].value == "110.0 s (tcg)"


def test_a_model_that_never_got_ready_is_open():
    boots = {"iso": {**BOOTS["iso"], "model_ready_s": None}}
    assert table(GOOD, boots)["ISO to services ready, model loaded"].met is None


def test_older_figures_of_the_same_commit_fill_the_gaps():
    fresh = Figures(commit="abc", machine={"cpu": "2 x X"}, unchanged=3.0)
    merged = fresh.over(GOOD)
    assert (merged.unchanged, merged.peer, merged.changed) == (3.0, 800, GOOD.changed)


@pytest.mark.parametrize(
    "fresh",
    [
        Figures(commit="def", machine={"cpu": "2 x X"}),
        Figures(commit="abc", machine={"cpu": "64 x Y"}),
        Figures(commit="", machine={"cpu": "2 x X"}),
    ],
)
def test_figures_of_another_commit_or_machine_do_not(fresh):
    assert fresh.over(GOOD).peer is None


def test_the_table_is_markdown_and_says_where():
    text = render_table([Row(what="a", bar="< 1 s", value="2.0 s", met=False)], {"cpu": "2 x X", "os": ""})
    assert text == (
        "Measured on: 2 x X\n\n"
        "| what | bar | measured | met |\n|---|---|---|---|\n| a | < 1 s | 2.0 s | **no** |\n"
    )
