"""Parts of the question whether the assistant comes by itself; tests/desktop has the whole."""

from __future__ import annotations

import pytest
from sigmavault.core.setup.journal import Journal, Progress
from sigmavault.desktop.setup.offer import is_live, was_cut_off


@pytest.mark.parametrize(("command_line", "live"), [
    ("BOOT_IMAGE=/live/vmlinuz boot=live quiet console=tty0\n", True), ("boot=live\n", True),
    ("BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet\n", False), ("noboot=live root=/dev/boot=live\n", False),
    ("", False),
])  # fmt: skip
def test_a_live_system_is_told_by_its_kernel_command_line(command_line: str, live: bool) -> None:
    assert is_live(command_line) is live


def test_only_what_was_begun_is_gone_on_with() -> None:
    assert [each for each in Progress if was_cut_off(Journal(progress=each))] == [Progress.RUNNING]
