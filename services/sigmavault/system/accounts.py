"""Users and groups of the NAS: passwd(5) and group(5) are read as files, and changed by the tools of shadow.

The command lines, of which there are no others:

    useradd --uid N --gid sigmavault-users --no-user-group --no-create-home --home-dir /nonexistent
            --shell /usr/sbin/nologin -- USER
    userdel -- USER
    groupadd --gid N -- GROUP
    groupdel -- GROUP
    gpasswd --add USER -- GROUP
    gpasswd --delete USER -- GROUP
"""

from __future__ import annotations

from typing import Final

from sigmavault.core.errors import ConfigError, OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing import accounts as core_accounts
from sigmavault.core.sharing.accounts import (
    EVERYBODY,
    Accounts,
    Record,
    parse_group,
    parse_passwd,
    parse_record,
)
from sigmavault.system.files import make_folder, write_durably

RECORD: Final = "etc/sigmavault/accounts.json"
WORK_S: Final = 60.0
_DAY_S: Final = 86_400


def accounts(machine: Machine) -> Accounts:
    """What the machine has, and what of it is ours.

    Raises:
        OperationError: the files cannot be read.
        ConfigError: our record is damaged; nothing is ours then, and nothing is changed.
    """
    try:
        passwd = (machine.root / "etc/passwd").read_text("utf-8", "replace")
        group = (machine.root / "etc/group").read_text("utf-8", "replace")
    except OSError as error:
        raise OperationError(f"users and groups cannot be read: {error}") from error
    return Accounts(record=_record(machine), users=parse_passwd(passwd), groups=parse_group(group))


def _record(machine: Machine) -> Record:
    try:
        text = (machine.root / RECORD).read_text("utf-8")
    except FileNotFoundError:
        return Record()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"/{RECORD}: {error}") from error
    return parse_record(text, f"/{RECORD}")


def open_passwords(machine: Machine) -> frozenset[str]:
    """Who has a password that opens the console.

    Raises:
        OperationError: the file cannot be read.
    """
    try:
        text = (machine.root / "etc/shadow").read_text("utf-8", "replace")
    except OSError as error:
        raise OperationError(f"who can log in cannot be read: {error}") from error
    return core_accounts.open_passwords(text, int(machine.now() // _DAY_S))


def write_record(machine: Machine, record: Record) -> None:
    """Write down which accounts are ours.

    Raises:
        OperationError: it cannot be written.
    """
    file = machine.root / RECORD
    try:
        make_folder(file.parent)
        write_durably(file, record.model_dump_json(indent=1) + "\n", 0o644)
    except OSError as error:
        raise OperationError(f"/{RECORD} cannot be written: {error.strerror}") from error


def useradd(name: str, uid: int) -> tuple[str, ...]:
    """The command that makes a user who can log in nowhere and has no home."""
    return (
        "useradd", "--uid", str(uid), "--gid", EVERYBODY, "--no-user-group", "--no-create-home",
        "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "--", name,
    )  # fmt: skip


def userdel(name: str) -> tuple[str, ...]:
    """The command that removes a user; it removes no files."""
    return ("userdel", "--", name)


def groupadd(name: str, gid: int) -> tuple[str, ...]:
    """The command that makes a group."""
    return ("groupadd", "--gid", str(gid), "--", name)


def groupdel(name: str) -> tuple[str, ...]:
    """The command that removes a group."""
    return ("groupdel", "--", name)


def member(name: str, group: str, *, add: bool) -> tuple[str, ...]:
    """The command that puts a user into a group, or takes it out."""
    return ("gpasswd", "--add" if add else "--delete", name, "--", group)
