"""What docs/reference/dbus-host.md tells people to type works as printed."""

from __future__ import annotations

import re

from tests.services.daemon import SOURCE
from tests.services.host import HostDaemon

PAGE = (SOURCE / "docs/reference/dbus-host.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_every_command_of_the_guide_works(host: HostDaemon) -> None:
    calls = [command for command in COMMANDS if " monitor " not in command]
    assert len(calls) == 6
    for command in calls:
        assert host.bus.run("bash", "-c", command).strip()
    watch = next(command for command in COMMANDS if " monitor " in command)
    said = host.bus.run("bash", "-c", f"timeout 1 {watch}", check=False)
    assert "Monitoring bus message stream" in said
