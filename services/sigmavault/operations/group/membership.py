"""What `group.add-member` and `group.remove-member` have in common."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Outcome, Plan, Step, Target, Work
from sigmavault.operations.group.answers import GroupRow, MemberArguments, show
from sigmavault.system import accounts, samba


def plan(operation: str, arguments: MemberArguments, machine: Machine, *, add: bool) -> Plan:
    """Put a user into a group, or take it out.

    Raises:
        OperationError: it is so already.
    """
    known = accounts.accounts(machine)
    group, user = known.group(arguments.name), known.user(arguments.user)
    if (user.name in group.members) is add:
        raise OperationError(f"{user.name} is {'in' if add else 'not in'} {group.name} already")
    text = f"Put {user.name} into {group.name}" if add else f"Take {user.name} out of {group.name}"
    steps = [Step(text=text, argv=accounts.member(user.name, group.name, add=add))]
    if not add:
        steps.append(Step(text=f"End the connections of {user.name}, which still have the group"))
    told = (
        "counts when the user connects again"
        if add
        else "is disconnected at once; open files may not be saved"
    )
    return Plan(
        operation=operation, arguments=arguments.model_dump(mode="json"), summary=text, steps=tuple(steps),
        targets=(
            Target(kind="group", name=group.name, identity=str(group.gid)),
            Target(kind="user", name=user.name, identity=str(user.uid)),
        ),
        warnings=(f"It {told}." if add else f"{user.name} {told}.",),
        locks=("users",), facts={"member": not add},
    )  # fmt: skip


def apply(plan: Plan, arguments: MemberArguments, machine: Machine, work: Work, *, add: bool) -> GroupRow:
    """Do it."""
    work.progress(plan.summary)
    machine.run(plan.steps[0].argv, timeout_s=accounts.WORK_S)
    if not add:
        samba.disconnect(machine, arguments.user)
    return show(machine, arguments.name)


def outcome(arguments: MemberArguments, machine: Machine, *, add: bool) -> Outcome:
    """What group(5) says."""
    group = accounts.accounts(machine).groups.get(arguments.name)
    is_in = group is not None and arguments.user in group.members
    return Outcome.FINISHED if is_in is add else Outcome.FAILED
