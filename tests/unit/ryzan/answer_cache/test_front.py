"""When the answer cache is off, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.ryzan.config import parse_settings, read_manifest
from sigmavault.ryzan.service import Service
from sigmavault.system import env

MANIFEST = Path(__file__).parents[4] / "models-manifest.yaml"


def service(tmp_path: Path, *, answers: bool = True, state: bool = True, qdrant: bool = True) -> Service:
    if qdrant:
        (tmp_path / "python/qdrant_edge").mkdir(parents=True)
    settings = parse_settings([("ryzan.toml", {"reuse": {"answers": answers}})])
    paths = env.Paths(
        runtime=tmp_path, models=(tmp_path,), manifest=MANIFEST, state=tmp_path / "state" if state else None
    )
    return Service(read_manifest(MANIFEST), settings, paths, lambda: None)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("answers", "switched off in ryzan.toml"),
        ("state", "the service has no folder of its own"),
        ("qdrant", "Qdrant Edge is not in the runtime"),
    ],
)
def test_without_what_it_needs_the_status_says_why(tmp_path: Path, missing: str, reason: str) -> None:
    status = service(tmp_path, **{missing: False}).status()
    assert status.answers_off == reason
    assert status.answers_kept == status.answers_bytes == 0


def test_with_all_it_needs_it_is_on_and_nothing_is_there_before_it_is_used(tmp_path: Path) -> None:
    assert service(tmp_path).status().answers_off == ""
    assert not (tmp_path / "state").exists()
