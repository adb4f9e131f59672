"""Whether the assistant comes by itself, and what the desktop knows of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.conftest import SimulatedHost
from tests.desktop.seat import Seat
from tests.desktop.session import DATA, Desktop

ASSISTANT = "/usr/libexec/sigmavault/setup-assistant"
type Start = Callable[[], Seat]


def at_login(desktop: Desktop) -> int:
    """As the autostart entry does it; the exit code, where it ends."""
    return subprocess.run([ASSISTANT, "--first-login"], env=desktop.env, check=False, timeout=600).returncode


def test_it_comes_to_nobody_who_may_not_look_after_the_machine(desktop: Desktop) -> None:
    assert at_login(desktop) == 0


@pytest.mark.parametrize(
    "file",
    [DATA / "usr/share/applications/org.sigmavault.Setup.desktop",
     DATA / "usr/share/applications/org.sigmavault.Status.desktop",
     DATA / "etc/xdg/autostart/org.sigmavault.Setup.FirstLogin.desktop"],
    ids=lambda file: file.name,
)  # fmt: skip
def test_desktop_files_are_right(file: Path) -> None:
    done = subprocess.run(["desktop-file-validate", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["Setup", "Status"])
def test_the_software_centre_knows_it(name: str) -> None:
    file = DATA / f"usr/share/metainfo/org.sigmavault.{name}.metainfo.xml"
    no_homepage = "--override=url-homepage-missing=info"  # there is none that could be named
    done = subprocess.run(
        ["appstreamcli", "validate", "--no-net", no_homepage, file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_shell_lists_it_with_an_icon(desktop: Desktop, host: SimulatedHost, assistant: Start) -> None:
    found = desktop.eval(
        "imports.gi.Shell.AppSystem.get_default().lookup_app('org.sigmavault.Setup.desktop')?.get_name()"
    )
    assert found == "Set Up SigmaVault"
    icon = DATA / "usr/share/icons/hicolor/scalable/apps/sigmavault.svg"
    assert icon.is_file()
