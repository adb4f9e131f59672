"""`user.create`."""

from __future__ import annotations

import contextlib
from typing import Annotated, ClassVar, Final

from pydantic import Field

from sigmavault.core.errors import CommandError, InvalidRequestError
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
from sigmavault.operations.user.answers import UserRow, show
from sigmavault.system import accounts, samba

PASSWORD: Final = "password"  # noqa: S105 - the name of a secret, and none itself
_TAKEN: Final = frozenset({"own", "root", "none", "guest", "guests", "everybody", "nobody"})


class CreateUserArguments(Arguments):
    """The new user."""

    name: Annotated[UserName, Positional()] = Field(description="how the user logs in", examples=["anna"])
    group: tuple[UserName, ...] = Field(
        (), description="a group that the user is put into", examples=[["family"]]
    )


class CreateUser(Change[CreateUserArguments, UserRow]):
    """Make a user of the NAS."""

    name = "user.create"
    summary = "Make a user who can log in to shares, and nowhere else"
    risk = Risk.CHANGE
    examples = ("user create anna --group family",)
    secrets: ClassVar = {PASSWORD: "the new password of the user"}

    def plan(self, arguments: CreateUserArguments, machine: Machine) -> Plan:
        """A name that nobody has, and the next number."""
        known = accounts.accounts(machine)
        if arguments.name in _TAKEN:
            raise InvalidRequestError(f"{arguments.name} has a meaning of its own for shares", param="name")
        known.check_free(arguments.name)
        known.everybody()
        groups = dict.fromkeys(known.group(each).name for each in arguments.group)
        uid = known.new_id()
        joins = [accounts.member(arguments.name, each, add=True) for each in groups]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make the user {arguments.name} (number {uid})",
            steps=(
                Step(text=f"Write down in /{accounts.RECORD} that {uid} is {arguments.name}"),
                Step(text=f"Make the user {arguments.name}", argv=accounts.useradd(arguments.name, uid)),
                *(Step(text=f"Put {arguments.name} into {argv[-1]}", argv=argv) for argv in joins),
                Step(
                    text=f"Give {arguments.name} a password for shares",
                    argv=samba.password_argv(arguments.name), secret=PASSWORD,
                ),
            ),
            targets=(Target(kind="user", name=arguments.name, identity=str(uid)),),
            secrets=(PASSWORD,), locks=("users",), facts={"uid": uid},
        )  # fmt: skip

    def apply(self, arguments: CreateUserArguments, plan: Plan, machine: Machine, work: Work) -> UserRow:
        """All of it, or nothing: a user without a password would stay in the way."""
        password = work.secret(PASSWORD)
        samba.check_password(password)
        known, uid = accounts.accounts(machine), int(str(plan.facts["uid"]))
        users = {**known.record.users, arguments.name: uid}
        fresh = known.record.model_copy(update={"users": users, "next_id": uid + 1})
        work.progress(plan.summary)
        accounts.write_record(machine, fresh)
        try:
            for step in plan.steps:
                if step.argv and not step.secret:
                    machine.run(step.argv, timeout_s=step.timeout_s)
            samba.set_password(machine, arguments.name, password)
        except CommandError:
            _undo(machine, arguments.name, uid)
            raise
        return show(machine, arguments.name)

    def outcome(self, arguments: CreateUserArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is there with its number and a password, or it is not whole."""
        user = accounts.accounts(machine).users.get(arguments.name)
        if user is None:
            return Outcome.FAILED
        if user.uid != plan.facts["uid"]:
            return Outcome.UNKNOWN
        login = samba.logins(machine).get(arguments.name)
        return Outcome.FINISHED if login is not None and login.has_password else Outcome.FAILED


def _undo(machine: Machine, name: str, uid: int) -> None:
    """Take away what this job has made: the user of this very number. Its number is never given again."""
    known = accounts.accounts(machine)
    made = known.users.get(name)
    if made is not None and made.uid == uid:
        with contextlib.suppress(CommandError):
            machine.run(accounts.userdel(name), timeout_s=accounts.WORK_S)
    users = {key: value for key, value in known.record.users.items() if key != name}
    accounts.write_record(machine, known.record.model_copy(update={"users": users}))
