"""Samba: its configuration is checked, swapped and loaded; its users and clients are read.

The command lines, of which there are no others:

    testparm --suppress-prompt /dev/stdin
    smbcontrol all reload-config
    smbcontrol all close-share SHARE
    smbcontrol all close-denied-share SHARE
    systemctl [try-]reload-or-restart -- smbd.service
    pdbedit --list --verbose
    smbpasswd -s -a -- USER        (the password twice, by its input)
    smbpasswd -d|-e|-x -- USER
    smbstatus --json
    smbcontrol PID shutdown
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sigmavault.core.errors import CommandMissingError, InvalidRequestError, OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing import smb_conf
from sigmavault.core.sharing.clients import SmbClient, parse_smbstatus, processes_of
from sigmavault.core.sharing.passdb import Login, parse_pdbedit
from sigmavault.core.sharing.testparm import judge

BASE: Final = "etc/samba/smb.conf"
SHARES: Final = smb_conf.INCLUDE.lstrip("/")
UNIT: Final = "smbd.service"
CHECK: Final = ("testparm", "--suppress-prompt", "/dev/stdin")
RELOAD: Final = (("systemctl", "reload-or-restart", "--", UNIT), ("smbcontrol", "all", "reload-config"))
"""The unit opens and closes the firewall's port; every process of Samba is told by the second."""
_RELOAD_IF_UP: Final = ("systemctl", "try-reload-or-restart", "--", UNIT)
_LOOK_S: Final = 20.0
_WORK_S: Final = 60.0

SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD: Final = 127


def base(machine: Machine) -> str:
    """The configuration that includes ours.

    Raises:
        OperationError: there is none.
    """
    try:
        return (machine.root / BASE).read_text("utf-8", "surrogateescape")
    except OSError as error:
        hint = "install samba, and the smb.conf of SigmaVault"
        raise OperationError(f"/{BASE} cannot be read: {error.strerror}", hint=hint) from error


def check(machine: Machine, shares: str) -> str:
    """What Samba makes of a text of shares, before it is anywhere; its own reading of it.

    Raises:
        OperationError: Samba is not installed, or the base does not include the shares.
        ConfigError: it is not accepted without a word.
    """
    text = smb_conf.candidate(base(machine), shares)
    try:
        result = machine.run(CHECK, timeout_s=_LOOK_S, stdin=text, check=False)
    except CommandMissingError as error:
        raise OperationError("Samba is not installed", hint="install samba and samba-common-bin") from error
    return judge(result, smb_conf.sections(text))


def load(machine: Machine, *, may_start: bool) -> None:
    """Make Samba read its configuration; start it when it does not run, if that may be.

    Raises:
        CommandError: it does not.
    """
    for argv in RELOAD if may_start else (_RELOAD_IF_UP, *RELOAD[1:]):
        # smbcontrol finds nobody to tell where nothing runs, and calls it a failure
        machine.run(argv, timeout_s=_WORK_S, check=may_start or argv == _RELOAD_IF_UP)


def hang_up(machine: Machine, gone: Iterable[str], changed: Iterable[str]) -> None:
    """End connections to shares that are gone, and to changed ones those of people who lost their right."""
    for command, names in (("close-share", gone), ("close-denied-share", changed)):
        for name in names:
            machine.run(("smbcontrol", "all", command, name), timeout_s=_LOOK_S, check=False)


def logins(machine: Machine) -> Mapping[str, Login]:
    """User → login.

    Raises:
        CommandError: Samba does not tell.
    """
    return parse_pdbedit(machine.run(("pdbedit", "--list", "--verbose"), timeout_s=_LOOK_S).stdout)


def clients(machine: Machine) -> tuple[SmbClient, ...]:
    """Who is connected.

    Raises:
        OperationError: smbstatus(1) answers something else.
        CommandError: it fails.
    """
    return parse_smbstatus(machine.run(("smbstatus", "--json"), timeout_s=_LOOK_S).stdout)


def disconnect(machine: Machine, user: str) -> None:
    """End the connections of a user: a session outlives the password and the groups that it began with.

    Raises:
        OperationError: smbstatus(1) answers something else.
        CommandError: it fails, or a process does not listen.
    """
    told = machine.run(("smbstatus", "--json"), timeout_s=_LOOK_S).stdout
    for pid in processes_of(told, user):
        machine.run(("smbcontrol", str(pid), "shutdown"), timeout_s=_LOOK_S, check=False)


def password_argv(user: str) -> tuple[str, ...]:
    """The command that sets a password; it reads it twice."""
    return ("smbpasswd", "-s", "-a", "--", user)


def set_password(machine: Machine, user: str, password: str) -> None:
    """Give a user of the machine a password for Samba, and let it log in.

    Raises:
        InvalidRequestError: the password cannot be one.
        CommandError: Samba refuses.
    """
    check_password(password)
    machine.run(password_argv(user), timeout_s=_WORK_S, stdin=f"{password}\n{password}\n")


def check_password(password: str) -> None:
    """It can be typed on every client.

    Raises:
        InvalidRequestError: too short, too long, or with signs that are no letters.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidRequestError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", param="password"
        )
    if not password.isprintable():
        raise InvalidRequestError("a password has no line breaks and control characters", param="password")


def login_argv(letter: str, user: str) -> tuple[str, ...]:
    """The command that disables (`d`), enables (`e`) or removes (`x`) a login."""
    return ("smbpasswd", f"-{letter}", "--", user)
