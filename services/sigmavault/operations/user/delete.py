"""`user.delete`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk, Step, Target, Work
from sigmavault.core.sharing.accounts import groups_of
from sigmavault.core.sharing.share import maps_to
from sigmavault.operations.user.password import UserArguments
from sigmavault.system import accounts, samba, settings, shares


class DeleteUser(Change[UserArguments, NoAnswer]):
    """Remove a user of the NAS; files stay."""

    name = "user.delete"
    summary = "Remove a user, with all rights to shares; the user's files stay"
    risk = Risk.DESTROY
    examples = ("user delete anna",)

    def plan(self, arguments: UserArguments, machine: Machine) -> Plan:
        """A user of ours, whom no NFS share needs, and who is not the last administrator."""
        known, now = accounts.accounts(machine), shares.read(machine)
        user = known.user(arguments.name)
        settings.require_another_administrator(machine, user.name)
        naming = now.naming(user.name)
        if mapped := [each.name for each in naming if maps_to(each, user.name)]:
            raise OperationError(
                f"over NFS, everybody who uses {mapped[0]} is {user.name}",
                hint=f"`sigmavault share set {mapped[0]} --nfs-users …` takes somebody else",
            )
        has_login = user.name in samba.logins(machine)
        steps = [Step(text=f"Take the rights of {user.name} to {each.name} away") for each in naming]
        if has_login:
            steps.append(Step(text=f"Remove the login of {user.name}", argv=samba.login_argv("x", user.name)))
        steps += [
            Step(text=f"End the connections of {user.name}"),
            Step(text=f"Remove the user {user.name}", argv=accounts.userdel(user.name)),
            Step(text=f"Write down in /{accounts.RECORD} that {user.uid} is nobody any more"),
        ]
        losses = [f"The user {user.name}, and its password."]
        if user.name in settings.administrators(machine):
            losses.append("Its right to look after this machine.")
        losses += [f"Its right to the share {each.name}." for each in naming]
        losses += [f"Its place in the group {each}." for each in groups_of(user.name, known.our_groups())]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Remove the user {user.name}", steps=tuple(steps),
            targets=(
                Target(kind="user", name=user.name, identity=str(user.uid)),
                *(Target(kind="share", name=each.name, identity=each.name.lower()) for each in naming),
            ),
            losses=tuple(losses),
            warnings=(f"Files of {user.name} stay, and belong to {user.uid}, which nobody else gets.",),
            confirmation=user.name, locks=("users", "shares"), facts={"login": has_login},
        )  # fmt: skip

    def apply(self, arguments: UserArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Rights first, the user last: what fails in between can be done again."""
        work.progress(plan.summary)
        shares.withdraw(machine, arguments.name)
        if plan.facts["login"]:
            machine.run(samba.login_argv("x", arguments.name), timeout_s=accounts.WORK_S)
        samba.disconnect(machine, arguments.name)
        machine.run(accounts.userdel(arguments.name), timeout_s=accounts.WORK_S)
        record = accounts.accounts(machine).record
        users = {key: value for key, value in record.users.items() if key != arguments.name}
        accounts.write_record(machine, record.model_copy(update={"users": users}))
        return NoAnswer()

    def outcome(self, arguments: UserArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is there, or it is not."""
        is_there = arguments.name in accounts.accounts(machine).users
        return Outcome.FAILED if is_there else Outcome.FINISHED
