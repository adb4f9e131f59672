"""`user.make-administrator`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import UserName
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
    Work,
)
from sigmavault.core.setup.answers import FullName
from sigmavault.operations.user.answers import UserRow, show
from sigmavault.operations.user.create import PASSWORD
from sigmavault.system import accounts, samba, settings


class AdministratorArguments(Arguments):
    """Who."""

    name: Annotated[UserName, Positional()] = Field(description="a user of the NAS", examples=["anna"])
    full_name: FullName = Field("", description="the person's name", examples=["Anna Maier"])


class MakeAdministrator(Change[AdministratorArguments, UserRow]):
    """Let a user of the NAS log in at the console and look after the machine."""

    name = "user.make-administrator"
    summary = "Let a user log in at the console, and look after this machine"
    risk = Risk.CHANGE
    examples = ("user make-administrator anna", "user make-administrator anna --full-name 'Anna Maier'")
    secrets: ClassVar = {PASSWORD: "the password of the user at the console"}

    def plan(self, arguments: AdministratorArguments, machine: Machine) -> Plan:
        """A user of ours gets a home, a shell, a password, and last of all the right."""
        name = arguments.name
        user = accounts.accounts(machine).user(name)
        if name in settings.administrators(machine):
            raise OperationError(f"{name} is an administrator already")
        login, home = settings.login_commands(name, arguments.full_name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make {name} an administrator of this machine",
            steps=(
                Step(text=f"Give {name} a shell", argv=login),
                Step(text=f"Make {settings.home(name)}", argv=home),
                Step(text=f"Give {name} a password for the console", argv=settings.PASSWORD_COMMAND,
                     secret=PASSWORD),
                Step(text=f"Let {name} become root", argv=settings.admission(machine, name)),
            ),
            targets=(Target(kind="user", name=name, identity=str(user.uid)),),
            warnings=(f"{name} may do everything on this machine, with its password.",),
            secrets=(PASSWORD,), locks=("users",),
        )  # fmt: skip

    def apply(self, arguments: AdministratorArguments, plan: Plan, machine: Machine, work: Work) -> UserRow:
        """Each command may be run again; who has the right has all the rest."""
        password = work.secret(PASSWORD)
        samba.check_password(password)
        for number, step in enumerate(plan.steps):
            work.progress(step.text, number / len(plan.steps))
            stdin = f"{arguments.name}:{password}\n" if step.secret else ""
            machine.run(step.argv, timeout_s=settings.WORK_S, stdin=stdin)
        return show(machine, arguments.name)

    def outcome(self, arguments: AdministratorArguments, plan: Plan, machine: Machine) -> Outcome:
        """The right is given last."""
        is_one = arguments.name in settings.administrators(machine)
        return Outcome.FINISHED if is_one else Outcome.FAILED
