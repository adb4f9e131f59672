"""Host name, time zone, network and people of the simulated machine, and the programs that set them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.state import State

ZONES = ("UTC", "Europe/Vienna", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
PORT = "enp3s0"


def write(root: Path, state: State) -> None:
    """The files that tell it."""
    zones = root / "usr/share/zoneinfo"
    for name in ZONES:
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        (zones / name).touch()
    (root / "sys/class/net" / PORT / "device").mkdir(parents=True, exist_ok=True)
    (root / "etc/hostname").write_text(f"{state.host_name}\n", "utf-8")
    link, target = root / "etc/localtime", f"../usr/share/zoneinfo/{state.time_zone}"
    if not link.is_symlink() or str(link.readlink()) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def hostnamectl(asked: Simulated) -> str:
    """`set-hostname NAME`."""
    verb, name = line(asked.argv[1:], "").names
    if verb != "set-hostname":
        raise RefusalError(f"Unknown command verb '{verb}'.")
    asked.state.host_name = name
    return ""


def timedatectl(asked: Simulated) -> str:
    """`set-timezone ZONE`."""
    verb, name = line(asked.argv[1:], "").names
    if verb != "set-timezone" or name not in ZONES:
        raise RefusalError(f"Failed to set time zone: Invalid or not installed time zone '{name}'")
    asked.state.time_zone = name
    return ""


def networkctl(asked: Simulated) -> str:
    """`reload`."""
    if asked.argv[1:] != ("reload",):
        raise RefusalError(f"Unknown command verb '{asked.argv[1]}'.")
    return ""


def usermod(asked: Simulated) -> str:
    """Home, shell and name; or membership in the group of administrators."""
    words = line(asked.argv[1:], "", long_with_value=("home", "shell", "comment", "groups"))
    user = asked.state.users.get(words.names[-1])
    if user is None:
        raise RefusalError(f"usermod: user '{words.names[-1]}' does not exist", 6)
    user.home = words.values.get("home", [user.home])[-1]
    user.shell = words.values.get("shell", [user.shell])[-1]
    user.full_name = words.values.get("comment", [user.full_name])[-1]
    if "sudo" in words.values.get("groups", [""])[-1].split(","):
        asked.state.administrators.add(words.names[-1])
    return ""


def mkhomedir_helper(asked: Simulated) -> str:
    """It makes nothing that anybody looks at."""
    if asked.argv[1] not in asked.state.users:
        raise RefusalError("mkhomedir_helper: user unknown", 4)
    return ""


def chpasswd(asked: Simulated) -> str:
    """One line, `USER:PASSWORD`."""
    name, sign, password = asked.stdin.rstrip("\n").partition(":")
    if name not in asked.state.users or not sign or not password:
        raise RefusalError(f"chpasswd: line 1: user '{name}' does not exist")
    asked.state.users[name].has_password = True
    return ""


PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {
    "hostnamectl": hostnamectl, "timedatectl": timedatectl, "networkctl": networkctl, "usermod": usermod,
    "mkhomedir_helper": mkhomedir_helper, "chpasswd": chpasswd,
}  # fmt: skip
