"""What operations on users answer."""

from __future__ import annotations

from collections.abc import Mapping

from sigmavault.core.operation import Machine, Value
from sigmavault.core.sharing.accounts import Accounts, User, groups_of
from sigmavault.core.sharing.passdb import Login
from sigmavault.system import accounts, samba


class UserRow(Value):
    """A user of the NAS.

    Attributes:
        name: how the user logs in.
        uid: the number that the user's files have.
        groups: the groups of the NAS that the user is in.
        enabled: whether the user may log in to shares.
        has_password: whether there is a password; without one nobody logs in.
    """

    name: str
    uid: int
    groups: tuple[str, ...]
    enabled: bool
    has_password: bool


def rows(known: Accounts, logins: Mapping[str, Login]) -> tuple[UserRow, ...]:
    """All users of the NAS."""
    return tuple(row(each, known, logins) for each in known.our_users())


def row(user: User, known: Accounts, logins: Mapping[str, Login]) -> UserRow:
    """A user of the NAS; one that Samba does not know can log in nowhere."""
    login = logins.get(user.name)
    return UserRow(
        name=user.name, uid=user.uid, groups=groups_of(user.name, known.our_groups()),
        enabled=login is not None and login.enabled, has_password=login is not None and login.has_password,
    )  # fmt: skip


def show(machine: Machine, name: str) -> UserRow:
    """How a user is now.

    Raises:
        UnknownObjectError: there is none.
    """
    known = accounts.accounts(machine)
    return row(known.user(name), known, samba.logins(machine))
