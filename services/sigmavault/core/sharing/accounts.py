"""Users and groups of the NAS: which of passwd(5) and group(5) are ours, what number a new one gets. Pure.

Who can log in at the console is told by passwd(5) and shadow(5).

Ours is what the record says *and* the machine still has with the same number. Nothing else is ever changed. A
number is never given twice: the files of somebody who has left must not fall to somebody new.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sigmavault.core.checking import refusal
from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.names import MEANINGS, UserName

EVERYBODY: Final = "sigmavault-users"
"""The group of all users of the NAS; it comes with the package (sysusers.d)."""
FIRST_ID: Final = 20_000
LAST_ID: Final = 29_999
"""Between people (login.defs(5): from 1000) and containers (from 100,000): nobody else takes from here."""
FIRST_PERSON: Final = 1000
_NOBODY: Final = 65_534
_NO_SHELLS: Final = ("/nologin", "/false")

type Id = Annotated[int, Field(ge=FIRST_ID, le=LAST_ID)]


class Record(BaseModel):
    """Which accounts are ours: /etc/sigmavault/accounts.json.

    Attributes:
        next_id: the number of the next user or group.
        users: name → uid.
        groups: name → gid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    next_id: Annotated[int, Field(ge=FIRST_ID)] = FIRST_ID
    users: dict[UserName, Id] = {}
    groups: dict[UserName, Id] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int
    login_shell: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A line of group(5)."""

    name: str
    gid: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What the machine has, and what of it is ours."""

    record: Record
    users: Mapping[str, User]
    groups: Mapping[str, Group]

    def our_users(self) -> tuple[User, ...]:
        """The users of the NAS, by name."""
        found = (self.users.get(name) for name in sorted(self.record.users))
        return tuple(each for each in found if each is not None and self.record.users[each.name] == each.uid)

    def our_groups(self) -> tuple[Group, ...]:
        """The groups of the NAS, by name."""
        found = (self.groups.get(name) for name in sorted(self.record.groups))
        return tuple(each for each in found if each is not None and self.record.groups[each.name] == each.gid)

    def user(self, name: str) -> User:
        """A user of the NAS.

        Raises:
            OperationError: the machine has such a user, and it is not ours.
            UnknownObjectError: there is none.
        """
        for each in self.our_users():
            if each.name == name:
                return each
        if name in self.users:
            raise OperationError(f"{name} is a user of this machine, and was not made by SigmaVault")
        raise UnknownObjectError(f"there is no user {name}", hint="`sigmavault user list` shows all of them")

    def group(self, name: str) -> Group:
        """A group of the NAS.

        Raises:
            OperationError: the machine has such a group, and it is not ours.
            UnknownObjectError: there is none.
        """
        for each in self.our_groups():
            if each.name == name:
                return each
        if name in self.groups:
            raise OperationError(f"{name} is a group of this machine, and was not made by SigmaVault")
        raise UnknownObjectError(
            f"there is no group {name}", hint="`sigmavault group list` shows all of them"
        )

    def everybody(self) -> Group:
        """The group of all users of the NAS.

        Raises:
            OperationError: it is not there.
        """
        if (found := self.groups.get(EVERYBODY)) is None:
            raise OperationError(f"the group {EVERYBODY} is missing", hint="systemd-sysusers makes it")
        return found

    def check_free(self, name: str) -> None:
        """A new account may be called so.

        Raises:
            OperationError: there is a user or a group of this name. One name for both would be ambiguous.
        """
        for kind, names in (("user", self.users), ("group", self.groups)):
            if name in names:
                raise OperationError(f"there is a {kind} {name} on this machine already")

    def check_principal(self, principal: str) -> None:
        """A user (`anna`) or a group (`@family`) can be given a right: it is there, and not the system's.

        Raises:
            UnknownObjectError: there is none.
            OperationError: it belongs to the system.
        """
        if principal.startswith("@"):
            name, kind = principal[1:], "group"
            found = {each.name: each.gid for each in self.groups.values()}
        else:
            name, kind = principal, "user"
            found = {each.name: each.uid for each in self.users.values()}
        if name not in found:
            hint = f"`sigmavault {kind} create {name}` makes it"
            raise UnknownObjectError(f"there is no {kind} {name}", hint=hint)
        is_ours = name == EVERYBODY and kind == "group"
        if not is_ours and not FIRST_PERSON <= found[name] < _NOBODY:
            raise OperationError(f"{name} is a {kind} of the system and gets no rights")

    def new_id(self) -> int:
        """The number of a new user or group.

        Raises:
            OperationError: all are used up.
        """
        taken = {each.uid for each in self.users.values()} | {each.gid for each in self.groups.values()}
        for number in range(self.record.next_id, LAST_ID + 1):
            if number not in taken:
                return number
        raise OperationError(f"all numbers of users and groups up to {LAST_ID} were given out")


def parse_record(text: str, origin: str) -> Record:
    """The record of our accounts.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise refusal(error, None, origin, MEANINGS) from error


def parse_passwd(text: str) -> Mapping[str, User]:
    """The users of passwd(5); lines of another form are left out."""
    rows = (line.split(":") for line in text.splitlines())
    fitting = (row for row in rows if len(row) == 7 and row[2].isdecimal() and row[3].isdecimal())
    return {
        row[0]: User(name=row[0], uid=int(row[2]), gid=int(row[3]), login_shell=row[6].strip())
        for row in fitting
    }


def open_passwords(text: str, today: int) -> frozenset[str]:
    """Who of shadow(5) has a password that opens something; lines of another form are left out.

    Not who has none at all, a locked one (`!`), or one that no password fits to (`*`): a hash begins with `$`
    (crypt(5)). And not whose account has expired.

    Args:
        text: of the file.
        today: days since 1970.
    """
    rows = (line.split(":") for line in text.splitlines())
    return frozenset(
        row[0]
        for row in rows
        if len(row) == 9 and row[1].startswith("$") and not (row[7].isdecimal() and int(row[7]) <= today)
    )


def can_log_in(user: User, passwords: Container[str]) -> bool:
    """Whether a user gets in at the console: with a shell, and a password of `open_passwords`."""
    return bool(user.login_shell) and not user.login_shell.endswith(_NO_SHELLS) and user.name in passwords


def parse_group(text: str) -> Mapping[str, Group]:
    """The groups of group(5); lines of another form are left out."""
    rows = (line.split(":") for line in text.splitlines())
    fitting = (row for row in rows if len(row) == 4 and row[2].isdecimal())
    return {
        row[0]: Group(name=row[0], gid=int(row[2]), members=tuple(name for name in row[3].split(",") if name))
        for row in fitting
    }


def groups_of(user: str, groups: Iterable[Group]) -> tuple[str, ...]:
    """The groups that a user was added to, by name."""
    return tuple(sorted(each.name for each in groups if user in each.members))
