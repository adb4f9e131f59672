"""What docs/reference/dbus.md tells people to type works as printed."""

from __future__ import annotations

import re
import sys

import pytest

from tests.services.daemon import SOURCE, Ryzan

PAGE = (SOURCE / "docs/reference/dbus.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_commands() -> None:
    assert {line.split()[0] for line in COMMANDS} == {"busctl", "dbus-send"}
    assert len(PROGRAMS) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_command(ryzan: Ryzan, command: str) -> None:
    said = ryzan.bus.run("bash", "-c", command)
    if "Load" not in command and "load" not in command:
        assert said.strip()


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(ryzan: Ryzan, program: str) -> None:
    assert ryzan.bus.run(sys.executable, "-c", program).strip()
