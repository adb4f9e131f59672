"""`group.delete`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk, Step, Target, Work
from sigmavault.operations.group.answers import GroupArguments
from sigmavault.system import accounts, shares


class DeleteGroup(Change[GroupArguments, NoAnswer]):
    """Remove a group; its members stay."""

    name = "group.delete"
    summary = "Remove a group, with all its rights to shares; its members stay"
    risk = Risk.DESTROY
    examples = ("group delete family",)

    def plan(self, arguments: GroupArguments, machine: Machine) -> Plan:
        """A group of ours."""
        group = accounts.accounts(machine).group(arguments.name)
        naming = shares.read(machine).naming(f"@{group.name}")
        steps = [Step(text=f"Take the rights of {group.name} to {each.name} away") for each in naming]
        steps += [
            Step(text=f"Remove the group {group.name}", argv=accounts.groupdel(group.name)),
            Step(text=f"Write down in /{accounts.RECORD} that {group.gid} is nobody any more"),
        ]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Remove the group {group.name}", steps=tuple(steps),
            targets=(
                Target(kind="group", name=group.name, identity=str(group.gid)),
                *(Target(kind="share", name=each.name, identity=each.name.lower()) for each in naming),
            ),
            losses=(
                f"The group {group.name} with {len(group.members)} members, who stay.",
                *(f"Its right to the share {each.name}." for each in naming),
            ),
            confirmation=group.name, locks=("users", "shares"),
            facts={"members": " ".join(sorted(group.members))},
        )  # fmt: skip

    def apply(self, arguments: GroupArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Rights first, the group last."""
        work.progress(plan.summary)
        shares.withdraw(machine, f"@{arguments.name}")
        machine.run(accounts.groupdel(arguments.name), timeout_s=accounts.WORK_S)
        record = accounts.accounts(machine).record
        groups = {key: value for key, value in record.groups.items() if key != arguments.name}
        accounts.write_record(machine, record.model_copy(update={"groups": groups}))
        return NoAnswer()

    def outcome(self, arguments: GroupArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is there, or it is not."""
        is_there = arguments.name in accounts.accounts(machine).groups
        return Outcome.FAILED if is_there else Outcome.FINISHED
