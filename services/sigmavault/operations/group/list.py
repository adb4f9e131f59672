"""`group.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.group.answers import GroupRow, row
from sigmavault.system import accounts


class GroupList(Value):
    """The groups of the NAS, by name."""

    groups: tuple[GroupRow, ...]


class ListGroups(Read[NoArguments, GroupList]):
    """Which groups there are."""

    name = "group.list"
    summary = "Show the groups of users"
    examples = ("group list",)

    def read(self, arguments: NoArguments, machine: Machine) -> GroupList:
        """Read group(5); groups of the machine itself are not among them."""
        return GroupList(groups=tuple(row(each) for each in accounts.accounts(machine).our_groups()))
