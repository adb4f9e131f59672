"""`key.unload`."""

from __future__ import annotations

from collections.abc import Sequence

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Step
from sigmavault.core.storage.datasets import Dataset, KeyStatus
from sigmavault.core.storage.keys import Keeping, keeping
from sigmavault.operations.dataset.rows import (
    in_pool,
    lock,
    named,
    require_unused,
    target,
    unmounting,
    with_children,
)
from sigmavault.operations.dataset.shares import sharing
from sigmavault.operations.key.load import LoadArguments
from sigmavault.operations.key.rows import KeyRow, encryption_root, row, with_its_key
from sigmavault.system import zfs


class UnloadKey(Change[LoadArguments, KeyRow]):
    """Nobody can read an encrypted dataset, until its key is loaded again."""

    name = "key.unload"
    summary = "Unmount an encrypted dataset and forget its key until it is loaded again"
    risk = Risk.CHANGE
    examples = ("key unload tank/private",)

    def plan(self, arguments: LoadArguments, machine: Machine) -> Plan:
        """Refuse while it is in use, and say by what."""
        root, everything = encryption_root(machine, arguments.dataset)
        if root.key_status is not KeyStatus.AVAILABLE:
            raise OperationError(f"the key of {root.name} is not loaded")
        mounted = [each for each in with_its_key(root, everything) if each.mounted]
        _require_unused(machine, root, everything)
        steps = (
            *map(unmounting, reversed(mounted)),
            Step(text=f"Forget the key of {root.name}", argv=("zfs", "unload-key", "--", root.name),
                 timeout_s=zfs.CHANGE_S),
        )  # fmt: skip
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Unload the key of {root.name}", steps=steps, targets=(target(root),),
            warnings=_warnings(machine, root, everything), locks=(lock(root.name),),
        )  # fmt: skip

    def answer(self, arguments: LoadArguments, machine: Machine) -> KeyRow:
        """It, as it is now."""
        return row(named(in_pool(machine, arguments.dataset), arguments.dataset))

    def outcome(self, arguments: LoadArguments, plan: Plan, machine: Machine) -> Outcome:
        """The key is gone, or still loaded."""
        root, _ = encryption_root(machine, arguments.dataset)
        return Outcome.FAILED if root.key_status is KeyStatus.AVAILABLE else Outcome.FINISHED


def _require_unused(machine: Machine, root: Dataset, everything: Sequence[Dataset]) -> None:
    # a clone has the key of its origin, wherever it lies
    inside = _touched(root, everything)
    others = [each.name for each in inside if each.mounted and each.encryption_root != root.name]
    if others:
        raise OperationError(
            f"{', '.join(others[:5])} is mounted below {root.name}", hint="unload that first"
        )
    zfs.require_awake(machine, root.name)
    require_unused(machine, [each for each in inside if each.encryption_root == root.name])


def _touched(root: Dataset, everything: Sequence[Dataset]) -> tuple[Dataset, ...]:
    found = (*with_children(everything, root.name), *with_its_key(root, everything))
    return tuple({each.name: each for each in found}.values())


def _warnings(machine: Machine, root: Dataset, everything: Sequence[Dataset]) -> tuple[str, ...]:
    found = []
    if names := sharing(machine, _touched(root, everything)):
        found.append(f"The shares {', '.join(names)} cannot be used until it is loaded again.")
    if keeping(root.key_format, root.key_location) is Keeping.MACHINE:
        found.append("Its key lies on this machine and is loaded again at the next start.")
    return tuple(found)
