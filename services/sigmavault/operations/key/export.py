"""`key.export`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sigmavault.core.errors import CommandError, OperationError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Step, Work
from sigmavault.core.storage.datasets import KEY_STORED
from sigmavault.core.storage.keys import PASSPHRASE, Keeping, file_of, keeping, require_passphrase
from sigmavault.core.storage.snapshots import iso
from sigmavault.operations.dataset.rows import lock, target
from sigmavault.operations.key.load import LoadArguments, meaning
from sigmavault.operations.key.rows import KeyRow, encryption_root, row
from sigmavault.system import keys, zfs

KEY = "key"


class ExportKey(Change[LoadArguments, KeyRow]):
    """Somebody has the key outside of this machine, and showed that it opens the dataset."""

    name = "key.export"
    summary = "Get the key of a dataset out of this machine, or show that you have its passphrase"
    risk = Risk.CHANGE
    examples = ("key export tank/private", "key export tank/box --save key=/media/stick/box.key")
    secrets: ClassVar[Mapping[str, str]] = {PASSPHRASE: "the passphrase, as you have written it down"}
    known_secrets = frozenset({PASSPHRASE})
    gives: ClassVar[Mapping[str, str]] = {KEY: "the key, 64 hexadecimal digits"}

    def plan(self, arguments: LoadArguments, machine: Machine) -> Plan:
        """A key file is given; a passphrase is asked for and tried."""
        root, _ = encryption_root(machine, arguments.dataset)
        kept = keeping(root.key_format, root.key_location)
        if kept is Keeping.ELSEWHERE:
            raise OperationError(
                f"the key of {root.name} is not kept here but at {root.key_location}",
                hint="copy it from there",
            )
        is_typed = kept is Keeping.PERSON
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Confirm that you have the passphrase of {root.name}" if is_typed
            else f"Give the key of {root.name} to you",
            steps=(
                # -n: nothing is loaded, the key is only tried; also while it is loaded
                Step(text=f"Try the key of {root.name}", argv=("zfs", "load-key", "-n", "--", root.name),
                     secret=PASSPHRASE if is_typed else "", timeout_s=zfs.CHANGE_S),
                *([] if is_typed else [Step(text="Give the key")]),
                Step(text="Note that it is stored outside of this machine"),
            ),
            targets=(target(root),), secrets=(PASSPHRASE,) if is_typed else (),
            gives=() if is_typed else (KEY,), locks=(lock(root.name),),
            warnings=() if is_typed else ("Who has the key can read the disks.",),
            facts={"location": root.key_location, "stored": root.own(KEY_STORED)},
        )  # fmt: skip

    def apply(self, arguments: LoadArguments, plan: Plan, machine: Machine, work: Work) -> KeyRow:
        """Only a key that opens the dataset is given, or counts as stored."""
        step = plan.steps[0]
        typed = require_passphrase(work.secret(PASSPHRASE)) if plan.secrets else ""
        work.progress(step.text)
        try:
            machine.run(step.argv, timeout_s=step.timeout_s, stdin=typed)
        except CommandError as error:
            raise meaning(error, arguments.dataset) from error
        if plan.gives:
            work.give(KEY, keys.read(machine, file_of(str(plan.facts["location"]))))
        words = f"{KEY_STORED}={iso(machine.now())}"
        machine.run(("zfs", "set", words, arguments.dataset), timeout_s=zfs.CHANGE_S)
        return row(zfs.dataset(machine, arguments.dataset))

    def outcome(self, arguments: LoadArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is noted anew, or not."""
        stored = zfs.dataset(machine, arguments.dataset).own(KEY_STORED)
        is_new = bool(stored) and stored != plan.facts["stored"]
        return Outcome.FINISHED if is_new else Outcome.FAILED
