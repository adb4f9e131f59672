"""What a machine is set to: its name, time zone, address, and who looks after it.

Files: /etc/hostname (hostname(5)), /etc/localtime (localtime(5)), /etc/group, and the one file of ours that
gives a fixed address. Commands, of which there are no others:

    hostnamectl --no-ask-password -- set-hostname NAME
    systemctl try-restart -- UNIT                      (each that tells the network the name)
    timedatectl --no-ask-password -- set-timezone ZONE
    networkctl reload
    nmcli connection reload
    nmcli --wait 30 connection up -- sigmavault
    nmcli --wait 30 device connect -- PORT
    usermod --home HOME --shell /bin/bash --comment NAME -- USER
    usermod --append --groups sudo,… -- USER
    mkhomedir_helper USER 0077
    chpasswd --crypt-method YESCRYPT                   (`USER:PASSWORD`, by its input)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.network import Method, keyfile, networkd_file, parse_networkd_file
from sigmavault.core.operation import Machine
from sigmavault.core.setup.state import NetworkState
from sigmavault.core.sharing.accounts import can_log_in
from sigmavault.system import accounts
from sigmavault.system.files import make_folder, read_or_empty, write_durably

SUDO: Final = "sudo"
"""Who is in it may become root, and is an administrator for polkit (50-default.rules of Debian)."""
ALSO: Final = ("adm", "sigmavault")
"""Groups that an administrator is put into where they exist: logs, the socket of the model."""
WORK_S: Final = 60.0
TELL_NAME: Final = ("smbd.service", "wsdd2.service", "avahi-daemon.service")
"""Who tells the network what this machine is called, and asks the kernel for it only at its start."""

_ZONES: Final = "usr/share/zoneinfo"
_NETWORKD: Final = Path("etc/systemd/network/10-sigmavault.network")
_KEYFILE: Final = Path("etc/NetworkManager/system-connections/sigmavault.nmconnection")


def host_name(machine: Machine) -> str:
    """The name that is set; empty where none is."""
    return read_or_empty(machine.root / "etc/hostname").strip()


def time_zone(machine: Machine) -> str:
    """The time zone that is set; UTC where none is (localtime(5))."""
    try:
        place = str((machine.root / "etc/localtime").readlink())
    except OSError:
        return "UTC"
    return place.partition("zoneinfo/")[2] or "UTC"


def require_zone(machine: Machine, name: str) -> None:
    """Refuse a time zone that this machine does not know.

    Raises:
        InvalidRequestError: it does not.
    """
    if not (machine.root / _ZONES / name).is_file():
        raise InvalidRequestError(
            f"name: this machine knows no time zone {name}", param="name",
            hint="`timedatectl list-timezones` shows all of them",
        )  # fmt: skip


def administrators(machine: Machine) -> tuple[str, ...]:
    """Who may become root, by name.

    Raises:
        OperationError: the files of users cannot be read.
    """
    group = accounts.accounts(machine).groups.get(SUDO)
    return tuple(sorted(group.members)) if group is not None else ()


def require_another_administrator(machine: Machine, name: str) -> None:
    """Refuse what takes the last administrator away who can log in: nobody could look after the machine.

    root does not count: polkit and the assistants ask for administrators.

    Raises:
        OperationError: this is the last one, or that cannot be read.
    """
    named = administrators(machine)
    if name not in named:
        return
    known, passwords = accounts.accounts(machine).users, accounts.open_passwords(machine)
    able = {each for each in named if each in known and can_log_in(known[each], passwords)}
    if able == {name}:
        raise OperationError(
            f"{name} is the last administrator who can log in: nobody could look after this machine",
            hint="make another one first: `sigmavault user make-administrator NAME`",
        )


def ports(machine: Machine) -> tuple[str, ...]:
    """Network ports with a cable or without: what has hardware behind it (sysfs)."""
    folder = machine.root / "sys/class/net"
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(each.name for each in found if (each / "device").exists()))


# --- address ---


def has_network_manager(machine: Machine) -> bool:
    """Whether NetworkManager runs the network; else systemd-networkd does."""
    return (machine.root / "run/NetworkManager").is_dir()


def network_file(machine: Machine) -> Path:
    """The file that gives a fixed address, below the root."""
    return _KEYFILE if has_network_manager(machine) else _NETWORKD


def network_text(machine: Machine, wished: NetworkState) -> str:
    """What that file has to say; empty where it must not be there: the image's own files then ask by DHCP."""
    if wished.method is Method.DHCP:
        return ""
    told = (wished.port, wished.address, wished.gateway, wished.name_servers)
    return keyfile(*told) if has_network_manager(machine) else networkd_file(*told)


def network(machine: Machine) -> NetworkState:
    """How the machine is set to get its address."""
    text = read_or_empty(machine.root / network_file(machine))
    if not text:
        return NetworkState()
    told = parse_networkd_file(text)
    if has_network_manager(machine):
        address, _, gateway = told.get("address1", ("",))[0].partition(",")
        servers = tuple(each for each in told.get("dns", ("",))[0].split(";") if each)
        port = told.get("interface-name", ("",))[0]
    else:
        address, gateway = told.get("Address", ("",))[0], told.get("Gateway", ("",))[0]
        servers, port = told.get("DNS", ()), told.get("Name", ("",))[0]
    return NetworkState(
        method=Method.STATIC, port=port, address=address, gateway=gateway, name_servers=servers
    )


def write_network(machine: Machine, text: str) -> None:
    """Write the file, or remove it.

    Raises:
        OperationError: that cannot be done.
    """
    file = machine.root / network_file(machine)
    try:
        if not text:
            file.unlink(missing_ok=True)
            return
        make_folder(file.parent)
        # NetworkManager reads no file that others may read (nm-settings-keyfile(5))
        write_durably(file, text, 0o600 if has_network_manager(machine) else 0o644)
    except OSError as error:
        raise OperationError(f"/{network_file(machine)} cannot be written: {error.strerror}") from error


def network_commands(
    machine: Machine, wished: NetworkState, before: NetworkState
) -> Sequence[tuple[str, ...]]:
    """What makes the network follow its file."""
    if not has_network_manager(machine):
        return (("networkctl", "reload"),)
    reload = ("nmcli", "connection", "reload")
    if wished.method is Method.STATIC:
        return (reload, ("nmcli", "--wait", "30", "connection", "up", "--", "sigmavault"))
    if not before.port:
        return (reload,)
    return (reload, ("nmcli", "--wait", "30", "device", "connect", "--", before.port))


# --- people ---


def home(name: str) -> str:
    """Where a person's own files are."""
    return f"/home/{name}"


def login_commands(name: str, full_name: str) -> tuple[tuple[str, ...], ...]:
    """What makes a user of the NAS a person who can log in at the console, but for the password."""
    comment = ("--comment", full_name) if full_name else ()
    return (
        ("usermod", "--home", home(name), "--shell", "/bin/bash", *comment, "--", name),
        ("mkhomedir_helper", name, "0077"),
    )


PASSWORD_COMMAND: Final = ("chpasswd", "--crypt-method", "YESCRYPT")
"""With a method given, chpasswd(8) hashes by itself; PAM's modules for passwords expect a session."""


def admission(machine: Machine, name: str) -> tuple[str, ...]:
    """The command that makes somebody an administrator: the last one, so that nobody is one in part.

    Raises:
        OperationError: there is no such group on this machine.
    """
    known = accounts.accounts(machine).groups
    if SUDO not in known:
        raise OperationError(f"this machine has no group {SUDO}", hint="install sudo")
    groups = (SUDO, *(each for each in ALSO if each in known))
    return ("usermod", "--append", "--groups", ",".join(groups), "--", name)
