"""`group.create`."""

from __future__ import annotations

from sigmavault.core.errors import CommandError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Step, Target, Work
from sigmavault.operations.group.answers import GroupArguments, GroupRow, show
from sigmavault.system import accounts


class CreateGroup(Change[GroupArguments, GroupRow]):
    """Make a group."""

    name = "group.create"
    summary = "Make a group of users, for rights to shares"
    risk = Risk.CHANGE
    examples = ("group create family",)

    def plan(self, arguments: GroupArguments, machine: Machine) -> Plan:
        """A name that nobody has, and the next number."""
        known = accounts.accounts(machine)
        known.check_free(arguments.name)
        gid = known.new_id()
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make the group {arguments.name} (number {gid})",
            steps=(
                Step(text=f"Write down in /{accounts.RECORD} that {gid} is {arguments.name}"),
                Step(text=f"Make the group {arguments.name}", argv=accounts.groupadd(arguments.name, gid)),
            ),
            targets=(Target(kind="group", name=arguments.name, identity=str(gid)),),
            locks=("users",), facts={"gid": gid},
        )  # fmt: skip

    def apply(self, arguments: GroupArguments, plan: Plan, machine: Machine, work: Work) -> GroupRow:
        """The record first: a number is never given twice."""
        work.progress(plan.summary)
        record, gid = accounts.accounts(machine).record, int(str(plan.facts["gid"]))
        groups = {**record.groups, arguments.name: gid}
        accounts.write_record(machine, record.model_copy(update={"groups": groups, "next_id": gid + 1}))
        try:
            machine.run(plan.steps[-1].argv, timeout_s=accounts.WORK_S)
        except CommandError:
            accounts.write_record(machine, record.model_copy(update={"next_id": gid + 1}))
            raise
        return show(machine, arguments.name)

    def outcome(self, arguments: GroupArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is there with its number, or it is not."""
        made = accounts.accounts(machine).groups.get(arguments.name)
        if made is None:
            return Outcome.FAILED
        return Outcome.FINISHED if made.gid == plan.facts["gid"] else Outcome.UNKNOWN
