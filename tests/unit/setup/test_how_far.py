"""What a person is told of a download while a machine is being set up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sigmavault.cli.downloads.client import Row
from sigmavault.contract.models1 import DownloadState
from sigmavault.core.values import MIB
from sigmavault.setup.downloads import how_far

ROW = Row(
    id="tiny", state=DownloadState.RUNNING, bytes=10 * MIB, size=40 * MIB, bytes_s=2.0 * MIB, seconds_left=15,
    reason="", source="lan",
)  # fmt: skip


@pytest.mark.parametrize(("row", "told"), [
    (ROW, "10.0 MiB of 40.0 MiB, 2.00 MiB/s, 15.0 s left"),
    (replace(ROW, bytes_s=0.0, seconds_left=None), "10.0 MiB of 40.0 MiB"),
    (replace(ROW, reason="waits: people use files"), "waits: people use files"),
    (replace(ROW, state=DownloadState.QUEUED), "waits for its turn"),
    (replace(ROW, state=DownloadState.QUEUED, reason="the server does not answer"),
     "the server does not answer"),
    (replace(ROW, state=DownloadState.PAUSED), "paused"),
    (replace(ROW, state=DownloadState.VERIFYING), "all of it is here and is being verified"),
])  # fmt: skip
def test_a_download_is_told_in_words(row: Row, told: str) -> None:
    assert how_far(row) == told
