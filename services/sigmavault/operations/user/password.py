"""`user.password`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sigmavault.core.names import UserName
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
    Work,
)
from sigmavault.operations.user.answers import UserRow, show
from sigmavault.operations.user.create import PASSWORD
from sigmavault.system import accounts, samba


class UserArguments(Arguments):
    """Which user."""

    name: Annotated[UserName, Positional()] = Field(description="the user", examples=["anna"])


class SetUserPassword(Change[UserArguments, UserRow]):
    """Give a user another password."""

    name = "user.password"
    summary = "Give a user another password for shares"
    risk = Risk.CHANGE
    examples = ("user password anna",)
    secrets: ClassVar = {PASSWORD: "the new password of the user"}

    def plan(self, arguments: UserArguments, machine: Machine) -> Plan:
        """A user of the NAS."""
        user = accounts.accounts(machine).user(arguments.name)
        argv = samba.password_argv(user.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Give {user.name} another password",
            steps=(Step(text=f"Set the password of {user.name}", argv=argv, secret=PASSWORD),),
            targets=(Target(kind="user", name=user.name, identity=str(user.uid)),),
            warnings=("Who is connected stays connected; the old password opens nothing new.",),
            secrets=(PASSWORD,), locks=("users",),
        )  # fmt: skip

    def apply(self, arguments: UserArguments, plan: Plan, machine: Machine, work: Work) -> UserRow:
        """Samba reads the password twice from its input."""
        samba.set_password(machine, arguments.name, work.secret(PASSWORD))
        return show(machine, arguments.name)
