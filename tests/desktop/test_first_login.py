"""At which logins the assistant comes by itself, and what the desktop knows of it."""

from __future__ import annotations

import grp
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sigmavault.core.setup.journal import Journal, Progress

from tests.desktop.conftest import APPLICATION, SimulatedHost, simulated_host
from tests.desktop.seat import Seat
from tests.desktop.session import DATA, Desktop, has_owner, wait_for

GENERATOR = "/usr/lib/systemd/user-generators/systemd-xdg-autostart-generator"
UNIT = "app-org.sigmavault.Setup.FirstLogin@autostart.service"
OFFER = "Do Not Ask Again at Login"
type Start = Callable[[], Seat]


@pytest.fixture(scope="session")
def at_login(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What systemd starts at a login in GNOME, by the autostart entry."""
    folder = tmp_path_factory.mktemp("units")
    env = {"XDG_CONFIG_DIRS": f"{DATA}/etc/xdg", "XDG_CURRENT_DESKTOP": "GNOME", "PATH": os.environ["PATH"]}
    subprocess.run([GENERATOR, folder, folder, folder], env=env, check=True)
    assert (folder / "xdg-desktop-autostart.target.wants" / UNIT).exists()
    lines = (folder / UNIT).read_text().splitlines()
    return next(line for line in lines if line.startswith("ExecStart=")).removeprefix("ExecStart=:").split()


def administrator() -> list[str]:
    """Before a command: whoever runs it is in the group of administrators, by a user namespace."""
    return [
        "unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={grp.getgrnam('sudo').gr_gid}",
        "--mount", "--keep-caps", "--",
    ]  # fmt: skip


@contextmanager
def login(desktop: Desktop, argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A login of somebody; the program that it starts has ended afterwards."""
    process = desktop.run("login", argv)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        desktop.forget(process)


def stays_away(desktop: Desktop, argv: list[str]) -> bool:
    """Whether nothing comes at a login."""
    with login(desktop, argv) as process:
        return process.wait(120) == 0 and not has_owner(desktop.session, APPLICATION)


def comes(desktop: Desktop, argv: list[str]) -> bool:
    """Whether the assistant comes at a login, with the offer to stay away in future."""
    with login(desktop, argv):
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        return bool(seat.find("Welcome")) and bool(seat.find(OFFER))


def test_it_comes_to_administrators_of_a_new_machine(
    desktop: Desktop, host: SimulatedHost, journal: Path, at_login: list[str], pictures: Path
) -> None:
    assert stays_away(desktop, at_login), "who sits there is no administrator"
    with login(desktop, [*administrator(), *at_login]):
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        seat.find(OFFER)
        seat.screenshot(pictures / "setup-first-login.png")


def test_whoever_says_no_is_not_asked_again(
    desktop: Desktop, host: SimulatedHost, journal: Path, at_login: list[str]
) -> None:
    with login(desktop, [*administrator(), *at_login]) as process:
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        seat.activate(OFFER)
        assert wait_for("the assistant's end", lambda: process.poll() is not None)
    assert stays_away(desktop, [*administrator(), *at_login])


def test_whoever_only_closes_it_is_asked_again(
    desktop: Desktop, host: SimulatedHost, journal: Path, at_login: list[str]
) -> None:
    with login(desktop, [*administrator(), *at_login]) as process:
        seat = Seat(desktop, APPLICATION)
        seat.wait_window()
        seat.close()
        assert wait_for("the assistant's end", lambda: process.poll() is not None)
    assert comes(desktop, [*administrator(), *at_login])


def test_it_stays_away_from_a_machine_that_somebody_else_has_set_up(
    desktop: Desktop, journal: Path, at_login: list[str]
) -> None:
    with simulated_host(desktop, "home"):
        assert stays_away(desktop, [*administrator(), *at_login])


@pytest.mark.parametrize("progress", [Progress.DONE, Progress.INCOMPLETE])
def test_it_stays_away_once_it_has_come_to_its_end(
    desktop: Desktop, host: SimulatedHost, journal: Path, at_login: list[str], progress: Progress
) -> None:
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(Journal(progress=progress).model_dump_json())
    assert stays_away(desktop, [*administrator(), *at_login])


def test_what_was_cut_off_is_offered_again_though_there_is_a_pool(
    desktop: Desktop, journal: Path, at_login: list[str]
) -> None:
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(Journal(progress=Progress.RUNNING).model_dump_json())
    with simulated_host(desktop, "home"):
        assert comes(desktop, [*administrator(), *at_login])


def test_on_a_live_system_it_waits_among_the_applications(
    desktop: Desktop, host: SimulatedHost, assistant: Start, at_login: list[str], tmp_path: Path
) -> None:
    command_line = tmp_path / "cmdline"
    command_line.write_text("BOOT_IMAGE=/live/vmlinuz boot=live quiet\n")
    live = ["sh", "-c", 'mount --bind "$0" /proc/cmdline && exec "$@"', str(command_line)]
    assert stays_away(desktop, [*administrator(), *live, *at_login])
    assert assistant().find("Welcome"), "opened by hand it is there"


def test_without_the_host_daemon_no_error_greets_anybody(
    desktop: Desktop, journal: Path, at_login: list[str]
) -> None:
    with login(desktop, [*administrator(), *at_login]) as process:
        assert process.wait(120) != 0
    assert not has_owner(desktop.session, APPLICATION)
    assert "the setup assistant is not offered: " in (desktop.folder / "logs/login").read_text()


def test_the_look_at_a_login_loads_no_toolkit(desktop: Desktop, at_login: list[str]) -> None:
    done = subprocess.run(
        [at_login[0], *at_login[1:]], env={**desktop.env, "PYTHONVERBOSE": "1"}, check=True,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "import 'gi" not in done.stderr
    assert "import 'sigmavault.desktop.setup.offer'" in done.stderr


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


def test_the_shell_lists_it_with_an_icon(desktop: Desktop) -> None:
    app = "imports.gi.Shell.AppSystem.get_default().lookup_app('org.sigmavault.Setup.desktop')"
    assert desktop.eval(f"{app}?.get_name()") == "Set Up SigmaVault"
    assert desktop.eval(f"{app}.get_app_info().should_show()"), "it is among the applications"
    assert desktop.eval(f"{app}.get_icon().to_string()") == "sigmavault"
    assert (DATA / "usr/share/icons/hicolor/scalable/apps/sigmavault.svg").is_file()
