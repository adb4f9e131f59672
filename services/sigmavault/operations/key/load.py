"""`key.load`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from sigmavault.core.errors import CommandError, OperationError
from sigmavault.core.names import DatasetName
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Work,
)
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.datasets import Dataset, KeyStatus
from sigmavault.core.storage.keys import PASSPHRASE, require_passphrase
from sigmavault.operations.dataset.rows import lock, require_free_place, target
from sigmavault.operations.key.rows import KeyRow, encryption_root, row, with_its_key
from sigmavault.system import zfs


class LoadArguments(Arguments):
    """Whose key."""

    dataset: Annotated[DatasetName, Positional()] = Field(
        description="the encrypted dataset", examples=["tank/private"]
    )


class LoadKey(Change[LoadArguments, KeyRow]):
    """An encrypted dataset can be used until its key is unloaded, or the machine is switched off."""

    name = "key.load"
    summary = "Load the key of an encrypted dataset, and mount what it opens"
    risk = Risk.CHANGE
    examples = ("key load tank/private",)
    secrets: ClassVar[Mapping[str, str]] = {PASSPHRASE: "the passphrase of the dataset"}
    known_secrets = frozenset({PASSPHRASE})

    def plan(self, arguments: LoadArguments, machine: Machine) -> Plan:
        """Load it, and mount everything that has it."""
        root, everything = encryption_root(machine, arguments.dataset)
        if root.is_trash:
            raise OperationError(f"{root.name} lies in the trash")
        if root.key_status is KeyStatus.AVAILABLE:
            raise OperationError(f"the key of {root.name} is loaded already")
        if root.key_format == "raw" and root.key_location == "prompt":
            raise OperationError(f"the key of {root.name} is raw bytes, which cannot be typed")
        zfs.require_awake(machine, root.name)
        mounts = [each for each in with_its_key(root, everything) if is_to_mount(each)]
        for each in mounts[:1]:
            require_free_place(machine, each.mountpoint)
        is_typed = root.key_location == "prompt"
        steps = (
            Step(text=f"Load the key of {root.name}", argv=("zfs", "load-key", "--", root.name),
                 secret=PASSPHRASE if is_typed else "", timeout_s=zfs.CHANGE_S),
            *(Step(text=f"Mount {each.name}", argv=("zfs", "mount", "--", each.name), timeout_s=zfs.CHANGE_S)
              for each in mounts),
        )  # fmt: skip
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Load the key of {root.name}", steps=steps, targets=(target(root),),
            secrets=(PASSPHRASE,) if is_typed else (), locks=(lock(root.name),),
            facts={"location": root.key_location},
        )  # fmt: skip

    def apply(self, arguments: LoadArguments, plan: Plan, machine: Machine, work: Work) -> KeyRow:
        """Load and mount; a wrong passphrase changes nothing."""
        if plan.secrets:
            require_passphrase(work.secret(PASSPHRASE))
        try:
            run_steps(plan.steps, machine, work)
        except CommandError as error:
            raise meaning(error, arguments.dataset) from error
        return self.answer(arguments, machine)

    def answer(self, arguments: LoadArguments, machine: Machine) -> KeyRow:
        """It, as it is now."""
        return row(zfs.dataset(machine, arguments.dataset))

    def outcome(self, arguments: LoadArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is loaded and all is mounted, or not all."""
        root, everything = encryption_root(machine, arguments.dataset)
        left = [each for each in with_its_key(root, everything) if is_to_mount(each)]
        is_done = root.key_status is KeyStatus.AVAILABLE and not left
        return Outcome.FINISHED if is_done else Outcome.FAILED


def is_to_mount(dataset: Dataset) -> bool:
    """Whether it is mounted by itself, and is not yet."""
    has_place = dataset.mountpoint.startswith("/")
    return has_place and dataset.can_mount == "on" and not dataset.mounted and not dataset.is_trash


def meaning(error: CommandError, name: str) -> CommandError | OperationError:
    """What `zfs load-key` means."""
    if "Incorrect key" in error.stderr:
        return OperationError(
            f"this is not the key of {name}", hint="a passphrase is typed exactly as it was"
        )
    return error
