from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from sigmavault.cli.bench_client import Timed
from sigmavault.cli.bench_report import Bench, Beside, Runs, prefill_speed, render, speed
from sigmavault.cli.known_models import Known, put_together
from sigmavault.cli.model_list import render as render_list
from sigmavault.cli.model_list import to_json
from sigmavault.cli.models_here import Survey
from sigmavault.cli.paint import Paint
from sigmavault.cli.table import columns
from sigmavault.core.errors import UnknownModelError
from sigmavault.core.hardware import Bandwidth
from sigmavault.core.manifest import Manifest, parse_manifest
from sigmavault.core.tiers import memory_needed
from sigmavault.system.yaml_file import read_yaml

MANIFEST = Path(__file__).parents[3] / "models-manifest.yaml"
EMBEDDED = "smollm2-135m-instruct"


def live(**changes: object) -> dict[str, Any]:
    return {
        "id": EMBEDDED, "backend": "local", "state": "ready", "reason": "", "memory_bytes": 2**28,
        "tokens_per_second": 12.34, "threads": 2, "threads_reason": "2 CPUs", "context_tokens": 4096,
        "active_requests": 0, "speculation": "", **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return parse_manifest(read_yaml(MANIFEST), MANIFEST.name)


def one(manifest: Manifest, told: dict[str, Any] | None, file: Path | None = None) -> Known:
    known = put_together(manifest, [told] if told else [], lambda _: file)
    return next(each for each in known if each.id == (told["id"] if told else EMBEDDED))


@pytest.mark.parametrize(
    ("told", "file", "state"),
    [
        (None, None, "not downloaded"),
        (None, Path("/m.gguf"), "here"),
        (live(), Path("/m.gguf"), "loaded"),
        (live(state="unloaded", reason="nobody asked"), Path("/m.gguf"), "here"),
        (live(state="no-model", reason="there is no file"), None, "not downloaded"),
        (live(state="failed", reason="it is damaged"), Path("/m.gguf"), "failed: it is damaged"),
        (live(state="loading"), Path("/m.gguf"), "loading"),
        (live(id="large", backend="cluster"), None, "on cluster, ready"),
    ],
)
def test_where_a_model_is(
    manifest: Manifest, told: dict[str, Any] | None, file: Path | None, state: str
) -> None:
    assert one(manifest, told, file).state == state


def test_a_model_of_which_something_is_not_known_says_what(manifest: Manifest) -> None:
    states = {each.id: each.state for each in put_together(manifest, [], lambda _: None)}
    reasons = {each.id: each.why_not_offered for each in manifest.models if not each.is_offered}
    assert reasons
    assert all(states[id_] == f"not offered: {why}" for id_, why in reasons.items())


def test_a_file_beside_the_manifest_is_found_by_its_name(manifest: Manifest) -> None:
    asked: list[str] = []
    put_together(manifest, [live(id="local/mine"), live(id="far/away", backend="x")], asked.append)
    assert asked[-2:] == ["mine.gguf", ""]


def test_memory_is_what_it_takes_or_would_take(manifest: Manifest) -> None:
    assert one(manifest, live()).memory == 2**28
    assert one(manifest, live(memory_bytes=0)).memory == memory_needed(manifest.embedded())


def test_a_hostile_name_does_not_reach_the_terminal(manifest: Manifest) -> None:
    bad = live(id="evil\x1b[2J", state="failed", reason="\x1b]0;owned\x07\nno")
    found = Survey(models=put_together(manifest, [bad], lambda _: None), default="", unread=("\x1b",))
    text = "\n".join(render_list(found, None, Paint(is_on=False)))
    assert "\x1b" not in text
    assert "evil␛[2J" in text


def test_the_list_for_programs(manifest: Manifest) -> None:
    found = Survey(models=put_together(manifest, [live()], lambda _: None), default=EMBEDDED, unread=())
    document: Any = to_json(found, 20e9)
    first = document["models"][0]
    assert (first["id"], first["state"], first["reason"]) == (EMBEDDED, "loaded", "")
    assert first["ceiling_tokens_s"] == pytest.approx(20e9 / first["size"], abs=0.1)
    with pytest.raises(UnknownModelError, match="gpt-4"):
        found.find("gpt-4")


def test_columns_are_aligned() -> None:
    assert list(columns([("a", "1", "x"), ("long", "100", "")], {1})) == ["a       1  x", "long  100"]


ONE = Timed(prompt_tokens=20, cached_tokens=0, completion_tokens=101, began=0.0, first=0.5, last=10.5)
PREFILL = Timed(prompt_tokens=400, cached_tokens=0, completion_tokens=1, began=0.0, first=2.0, last=2.0)
BENCH = Bench(
    model=EMBEDDED, threads=2, threads_reason="2 CPUs", quota_cpus=0.0, context_tokens=4096,
    memory_bytes=2**28, size=2**30, ceiling=20.0,
    runs=Runs(
        ready=ONE, prefill=PREFILL, one=ONE, together=(ONE, dataclasses.replace(ONE, first=0.6, last=20.5)),
        bandwidth=Bandwidth(read_bytes_s=2e10, threads=2, buffer_bytes=2**28, took_s=0.5),
        cache_bytes=2**25,
    ),
    beside=Beside(load=0.1, cpus=2, requests=0, requests_after=0),
)  # fmt: skip


def test_speed_is_of_the_tokens_after_the_first() -> None:
    assert speed([ONE]) == pytest.approx(10.0)
    assert speed(BENCH.runs.together) == pytest.approx(200 / 20)
    assert prefill_speed(PREFILL) == pytest.approx(200.0)


def test_what_cannot_be_told_is_not_told() -> None:
    assert speed([dataclasses.replace(ONE, completion_tokens=5)]) is None
    assert prefill_speed(dataclasses.replace(PREFILL, cached_tokens=1)) is None
    short = dataclasses.replace(BENCH.runs, one=dataclasses.replace(ONE, completion_tokens=5))
    assert "too few tokens" in render(dataclasses.replace(BENCH, runs=short), Paint(is_on=False))


def test_the_table_of_a_measurement() -> None:
    lines = [re.sub(" {2,}", "  ", each) for each in render(BENCH, Paint(is_on=False)).splitlines()]
    assert lines[:9] == [
        "smollm2-135m-instruct on 2 threads: 2 CPUs",
        "",
        "  measured  ceiling",
        "one answer  10.0 tokens/s  ≤ 20.0  50% of it",
        "2 answers at once  10.0 tokens/s",
        "prompt of 400 tokens  200.0 tokens/s",
        "time to first token  500 ms  prompt of 20 tokens",
        "  2.0 s  prompt of 400 tokens",
        "memory  256 MiB  4,096 tokens of context",
    ]
    assert not any("not idle" in each or "caches" in each for each in lines)
    small = render(dataclasses.replace(BENCH, size=2**20), Paint(is_on=False))
    assert "fits into the processor's caches (32.0 MiB)" in small


@pytest.mark.parametrize("changes", [{"load": 0.6}, {"requests": 1}, {"requests_after": 2}])
def test_other_work_is_told(changes: dict[str, Any]) -> None:
    busy = dataclasses.replace(BENCH, beside=dataclasses.replace(BENCH.beside, **changes))
    assert "The machine was not idle" in render(busy, Paint(is_on=False))
    document: Any = busy.to_json()
    assert document["beside"]["quiet"] is False
