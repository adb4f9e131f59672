"""What `user.disable` and `user.enable` have in common."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Step, Target, Work
from sigmavault.operations.user.answers import UserRow, show
from sigmavault.operations.user.password import UserArguments
from sigmavault.system import samba, settings


def plan(operation: Change[UserArguments, UserRow], machine: Machine, name: str, *, on: bool) -> Plan:
    """Let a user log in, or not.

    Raises:
        OperationError: it is so already, or the user has no password to log in with.
    """
    user = show(machine, name)
    if user.enabled is on:
        raise OperationError(f"{name} is {'enabled' if on else 'disabled'} already")
    if on and not user.has_password:
        raise OperationError(f"{name} has no password", hint=f"`sigmavault user password {name}` sets one")
    text = f"Let {name} log in to shares again" if on else f"Do not let {name} log in to shares"
    steps = [Step(text=text, argv=samba.login_argv("e" if on else "d", name))]
    if not on:
        steps.append(Step(text=f"End the connections of {name}"))
    warnings = [] if on else [f"{name} is disconnected at once; open files may not be saved."]
    if not on and name in settings.administrators(machine):
        warnings.append(f"{name} stays an administrator, and still logs in at the console.")
    return Plan(
        operation=operation.name, arguments={"name": name}, summary=text, steps=tuple(steps),
        targets=(Target(kind="user", name=name, identity=str(user.uid)),),
        warnings=tuple(warnings), locks=("users",), facts={"enabled": user.enabled},
    )  # fmt: skip


def apply(plan: Plan, machine: Machine, work: Work, name: str, *, on: bool) -> UserRow:
    """Do it; who may not log in any more is disconnected."""
    work.progress(plan.summary)
    machine.run(plan.steps[0].argv, timeout_s=plan.steps[0].timeout_s)
    if not on:
        samba.disconnect(machine, name)
    return show(machine, name)


def outcome(machine: Machine, name: str, *, on: bool) -> Outcome:
    """What Samba says."""
    return Outcome.FINISHED if show(machine, name).enabled is on else Outcome.FAILED
