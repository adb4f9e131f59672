from __future__ import annotations

import re

import pytest
from sigmavault.cli.downloads.bar import bar, line
from sigmavault.cli.downloads.client import Row
from sigmavault.cli.paint import Paint
from sigmavault.contract.models1 import DownloadState, job_path

PLAIN = Paint(is_on=False)
ROW = Row(
    id="qwen3-4b", state=DownloadState.RUNNING, bytes=1_500_000_000, size=2_500_000_000, bytes_s=11_000_000.0,
    seconds_left=91.0, reason="", source="hub",
)  # fmt: skip


def changed(**changes: object) -> Row:
    return Row(**{**{name: getattr(ROW, name) for name in Row.__slots__}, **changes})


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [
        (0, "        "),
        (0.5, "████    "),
        (1, "████████"),
        (0.51, "████▏   "),
        (7, "████████"),
        (-1, "        "),
    ],
)
def test_a_bar_is_drawn_in_eighths(fraction: float, drawn: str) -> None:
    assert bar(fraction, 8) == drawn


def test_a_running_download_tells_how_far_how_fast_and_how_long() -> None:
    assert re.sub("[█▏▎▍▌▋▊▉]+ *", "# ", line(ROW, 100, PLAIN)) == (
        "qwen3-4b  # 60%  1.40 GiB of 2.33 GiB  10.5 MiB/s  1 min 31 s left"
    )


@pytest.mark.parametrize("width", range(20, 130))
def test_a_line_never_breaks(width: int) -> None:
    for row in (ROW, changed(reason="x" * 200), changed(state=DownloadState.VERIFYING), changed(bytes=0)):
        assert len(line(row, width, PLAIN)) <= width


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (changed(state=DownloadState.VERIFYING), "is being verified"),
        (changed(state=DownloadState.QUEUED), "queued"),
        (changed(state=DownloadState.QUEUED, reason="waits: Samba reads"), "waits: Samba reads"),
        (changed(reason="hub says nothing"), "hub says nothing"),
        (changed(seconds_left=None), "10.5 MiB/s"),
    ],
)
def test_what_it_waits_for_stands_at_the_end(row: Row, words: str) -> None:
    assert line(row, 120, PLAIN).endswith(words)


def test_control_characters_of_a_reason_are_shown() -> None:
    assert "\x1b" not in line(changed(reason="\x1b[2Jfunny"), 120, PLAIN)


def test_the_object_of_a_download_has_a_path_that_the_bus_allows() -> None:
    assert job_path("qwen3-1.7b") == "/org/sigmavault/Models/jobs/qwen3_2d1_2e7b"
