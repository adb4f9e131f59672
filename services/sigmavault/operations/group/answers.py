"""What operations on groups answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import UserName
from sigmavault.core.operation import Arguments, Machine, Positional, Value
from sigmavault.core.sharing.accounts import Group
from sigmavault.system import accounts


class GroupArguments(Arguments):
    """Which group."""

    name: Annotated[UserName, Positional()] = Field(description="the group", examples=["family"])


class MemberArguments(Arguments):
    """Which group, and whom."""

    name: Annotated[UserName, Positional()] = Field(description="the group", examples=["family"])
    user: Annotated[UserName, Positional()] = Field(description="the user", examples=["anna"])


class GroupRow(Value):
    """A group of users of the NAS.

    Attributes:
        name: how it is called; shares name it `@name`.
        gid: its number.
        members: who is in it.
    """

    name: str
    gid: int
    members: tuple[str, ...]


def row(group: Group) -> GroupRow:
    """A group."""
    return GroupRow(name=group.name, gid=group.gid, members=tuple(sorted(group.members)))


def show(machine: Machine, name: str) -> GroupRow:
    """How a group is now.

    Raises:
        UnknownObjectError: there is none.
    """
    return row(accounts.accounts(machine).group(name))
