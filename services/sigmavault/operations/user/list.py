"""`user.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.user.answers import UserRow, rows
from sigmavault.system import accounts, samba


class UserList(Value):
    """The users of the NAS, by name."""

    users: tuple[UserRow, ...]


class ListUsers(Read[NoArguments, UserList]):
    """Who the users of the NAS are."""

    name = "user.list"
    summary = "Show the users of the NAS"
    examples = ("user list",)

    def read(self, arguments: NoArguments, machine: Machine) -> UserList:
        """Read passwd(5) and group(5), and ask Samba; users of the machine itself are not among them."""
        return UserList(users=rows(accounts.accounts(machine), samba.logins(machine)))
