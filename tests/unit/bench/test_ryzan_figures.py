"""The table of `make bench-ryzan`: which figures meet which bars."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.bench.figures import (
    BEGIN,
    END,
    Figures,
    ModelFigures,
    Row,
    ceiling,
    model_rows,
    place,
    ratios,
    render,
    service_rows,
    spread,
)

ONE, EIGHT = "decode, 1 request, tokens/s", "decode, 8 requests at once, tokens/s of all"
PREFILL = "prefill of a 1,500-token prompt, tokens/s"
AGAIN = "first token of a 1,500-token prompt seen before a restart, ms"
OWN = "our time per request beyond the engine's, ms"
MEMORY = "memory without a model, all processes"
SOAK = "100 clients that hang up at random, 600 s"

SAMPLES: dict[str, dict[str, list[float]]] = {
    "decode one": {"ryzan": [100, 110], "llama-server": [100, 110], "bare loop": [115, 115]},
    "decode eight": {"ryzan": [240], "llama-server": [200], "bare loop": [250]},
    "prefill": {"ryzan": [970], "llama-server": [1000]},
    "again": {"again": [50, 40, 60], "cold": [1000, 1000, 1000]},
    "own time": {"ryzan": [45], "bare loop": [40], "own": [5]},
}
WELL: dict[str, Any] = {
    "clients": 100, "seconds": 600.0, "outcomes": {"finished": 90, "cancelled": 300}, "failures": [],
    "left": 0, "drift": 0.05, "sound": True,
}  # fmt: skip


def model(samples: dict[str, dict[str, list[float]]]) -> ModelFigures:
    return ModelFigures(id="m", sha256="ab", size=100_000_000, kv_bytes=20_000, samples=samples)


def row(what: str, samples: dict[str, dict[str, list[float]]]) -> Row:
    return {each.what: each for each in model_rows(model(samples))}[what]


def test_figures_at_the_bars_meet_them() -> None:
    assert {each.what: each.met for each in model_rows(model(SAMPLES))} == dict.fromkeys(
        (ONE, EIGHT, PREFILL, AGAIN, OWN), True
    )


@pytest.mark.parametrize(
    ("what", "measure", "who", "value"),
    [
        (ONE, "decode one", "ryzan", [99.0, 109.0]),
        (EIGHT, "decode eight", "ryzan", [239.0]),
        (PREFILL, "prefill", "ryzan", [969.0]),
        (AGAIN, "again", "again", [51.0, 51.0, 40.0]),
        (OWN, "own time", "own", [5.1]),
    ],
)
def test_a_figure_beyond_its_bar_misses_it(what: str, measure: str, who: str, value: list[float]) -> None:
    samples = deepcopy(SAMPLES)
    samples[measure][who] = value
    assert row(what, samples).met is False


def test_what_was_not_measured_meets_nothing_and_says_why() -> None:
    lacking = ModelFigures(id="m", missing={"prefill": "the server hung up"})
    found = {each.what: each for each in model_rows(lacking)}
    assert {each.met for each in found.values()} == {None}
    assert found[PREFILL].result == "not measured: the server hung up"


def test_neighbours_are_compared_so_that_drift_cancels_out() -> None:
    samples = deepcopy(SAMPLES)
    samples["decode one"] = {"ryzan": [100, 50, 25], "llama-server": [90, 45, 22.5]}
    assert row(ONE, samples).result == "1.11 (1.11 to 1.11) ×"
    with pytest.raises(ValueError, match="1 samples beside 2"):
        ratios([1], [1, 2])


def test_the_stricter_memory_figure_decides() -> None:
    rows = {each.what: each for each in service_rows(Figures(memory={"pss": 90_000_000, "rss": 120_000_000}))}
    assert rows[MEMORY].met is False
    rows = {each.what: each for each in service_rows(Figures(memory={"pss": 90_000_000, "rss": 119_000_000}))}
    assert (rows[MEMORY].ours, rows[MEMORY].result, rows[MEMORY].met) == ("90 MB PSS", "119 MB RSS", True)


@pytest.mark.parametrize(
    ("change", "met"),
    [({}, True), ({"drift": 0.051}, False), ({"drift": -0.051}, False), ({"sound": False}, False)],
)
def test_the_soak_is_well_only_without_leaks(change: dict[str, Any], met: bool) -> None:
    rows = {each.what: each for each in service_rows(Figures(soak={**WELL, **change}))}
    assert rows[SOAK].met is met


def test_the_ceiling_is_bandwidth_over_what_a_token_reads() -> None:
    assert ceiling(model({}), 10.34e9, tokens=170) == pytest.approx(100.0)


def test_median_least_and_most() -> None:
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0 to 3.0)"


def test_the_section_names_model_machine_and_what_disturbed() -> None:
    text = render(
        Figures(when="2026-01-02", commit="abc", machine={"processor": "2 x X"}, threads=2, rounds=7,
                bandwidth=20e9, others={"m": 0.031}, models=[model(SAMPLES)], soak=WELL)
    )  # fmt: skip
    for part in (
        "2026-01-02 at abc on 2 x X; 2 threads",
        "sha256 `ab`",
        "took 3% of the machine",
        "20.0 GB/s",
    ):
        assert part in text
    assert f"| {ONE} | ≥ 1 × llama-server | 105 (100 to 110) |" in text
    assert "| **no** |" not in text


def test_on_a_busy_machine_no_bar_counts_as_met() -> None:
    quiet, busy = (render(Figures(others={"m": share}, models=[model(SAMPLES)])) for share in (0.1, 0.11))
    assert quiet.count("| yes |") == len(SAMPLES)
    assert busy.count("| yes |") == 0
    assert "stays open" in busy


def test_the_section_replaces_only_what_is_between_its_marks() -> None:
    page = f"# Page\n\n{BEGIN}\n\nold\n{END}\n\nafter\n"
    assert place(page, "new\n") == f"# Page\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    assert place(place(page, "x"), "new\n") == place(page, "new\n")
    with pytest.raises(ValueError, match="no <!--"):
        place("# Page", "new")
