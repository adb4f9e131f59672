"""What the user guide tells people to type works as printed."""

import re

import pytest

from tests.vm.stage import ROOT

pytestmark = pytest.mark.vm

GUIDE = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]


def test_the_guide_has_commands():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_command(vm, command):
    # Exit code 1 of `status` says that something wants attention; anything else is a failure.
    answer = vm.execute("bash", "-c", command, timeout_s=150)
    allowed = {0, 1} if command.startswith("sigmavault status") else {0}
    assert answer.code in allowed, answer
    assert (answer.out + answer.err).strip(), "it printed nothing"
