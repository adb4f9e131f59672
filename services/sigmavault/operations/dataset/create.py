"""`dataset.create`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sigmavault.contract.models1 import USER as MODELS_USER
from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.names import ChildName
from sigmavault.core.operation import (
    Arguments,
    Bytes,
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
from sigmavault.core.storage import keys as key_values
from sigmavault.core.storage.datasets import Dataset, DatasetType, by_name
from sigmavault.core.storage.keys import NEW_PASSPHRASE, Encryption, require_passphrase
from sigmavault.core.storage.presets import Preset, properties
from sigmavault.operations.dataset.rows import (
    DatasetRow,
    in_pool,
    key_is_missing,
    lock,
    place_below,
    require_free,
    require_free_place,
    row,
    target,
)
from sigmavault.system import keys, zfs


class CreateArguments(Arguments):
    """What to create."""

    name: Annotated[ChildName, Positional()] = Field(description="the new dataset", examples=["tank/photos"])
    preset: Preset = Field(default=Preset.DOCUMENTS, description="what it is for", examples=["media"])
    nfs: bool = Field(
        default=False, description="it is reached over NFS as well: names differ by capital letters"
    )
    quota: Bytes | None = Field(
        default=None, ge=64 * 1024 * 1024, description="the most it may hold with its snapshots",
        examples=[500 * 10**9],
    )  # fmt: skip
    encryption: Encryption = Field(
        default=Encryption.AS_PARENT, description="how it is encrypted", examples=["passphrase"]
    )
    parents: bool = Field(default=False, description="create the datasets above it that are missing")


class CreateDataset(Change[CreateArguments, DatasetRow]):
    """A new filesystem."""

    name = "dataset.create"
    summary = "Create a dataset, with properties that fit what it is for"
    risk = Risk.CHANGE
    examples = (
        "dataset create tank/photos --preset media",
        "dataset create tank/macs --preset time-machine --quota 2TiB",
        "dataset create tank/private --encryption passphrase",
    )
    secrets: ClassVar[Mapping[str, str]] = {
        NEW_PASSPHRASE: "the passphrase to encrypt it with; without it all data is lost"
    }

    def plan(self, arguments: CreateArguments, machine: Machine) -> Plan:
        """Refuse what would fail or hide something, and name every property."""
        everything = in_pool(machine, arguments.name)
        require_free(everything, arguments.name, "name")
        above = _above(everything, arguments)
        missing = _missing(everything, arguments.name)
        place = place_below(above, arguments.name)
        zfs.require_awake(machine, arguments.name)
        require_free_place(machine, place)
        file = _key_file(arguments, machine)
        what = f"{arguments.name} for {arguments.preset}"
        steps = (
            *([Step(text=f"Make a key in /{key_values.FOLDER}/{file}")] if file else []),
            Step(
                text=f"Create {what}", argv=_command(arguments, file), timeout_s=zfs.CHANGE_S,
                secret=NEW_PASSPHRASE if arguments.encryption is Encryption.PASSPHRASE else "",
            ),
            *_opening(arguments, place),
        )  # fmt: skip
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Create the dataset {what}",
            steps=steps, targets=(target(above),), warnings=_warnings(arguments, place),
            secrets=(NEW_PASSPHRASE,) if arguments.encryption is Encryption.PASSPHRASE else (),
            locks=(lock(arguments.name),),
            facts={"place": place, "creates": [*missing, arguments.name], "key_file": file},
        )  # fmt: skip

    def apply(self, arguments: CreateArguments, plan: Plan, machine: Machine, work: Work) -> DatasetRow:
        """Create it; when that fails, nothing of it stays."""
        if arguments.encryption is Encryption.PASSPHRASE:
            require_passphrase(work.secret(NEW_PASSPHRASE), NEW_PASSPHRASE)
        file = str(plan.facts["key_file"])
        if file:
            keys.make(machine, file)
        try:
            run_steps(plan.steps, machine, work)
        except (CommandError, OperationError) as error:
            left = _tidy(plan, machine)
            if file and arguments.name not in left:
                keys.discard(machine, file)
            if left and isinstance(error, CommandError):
                raise OperationError(f"{error.message}; it left {', '.join(left)}") from error
            raise
        return self.answer(arguments, machine)

    def answer(self, arguments: CreateArguments, machine: Machine) -> DatasetRow:
        """It, as it is now."""
        return row(zfs.dataset(machine, arguments.name))

    def outcome(self, arguments: CreateArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is there and mounted, or it is not there."""
        try:
            found = zfs.dataset(machine, arguments.name)
        except UnknownObjectError:
            return Outcome.FAILED
        return Outcome.FINISHED if found.mounted or not plan.facts["place"] else Outcome.FAILED


def _missing(everything: Sequence[Dataset], name: str) -> list[str]:
    """The datasets above a name that are not there, the upper ones first."""
    there = by_name(everything)
    parts = name.split("/")
    ancestors = ["/".join(parts[:count]) for count in range(1, len(parts))]
    return [each for each in ancestors if each not in there]


def _above(everything: Sequence[Dataset], arguments: CreateArguments) -> Dataset:
    """The next dataset above it that is there, in which something can be created."""
    missing = _missing(everything, arguments.name)
    if missing and not arguments.parents:
        raise InvalidRequestError(
            f"name: there is no dataset {missing[-1]} to put it in", param="name",
            hint="`--parents` creates it as well",
        )  # fmt: skip
    there = by_name(everything)
    name = (missing[0] if missing else arguments.name).rpartition("/")[0]
    above = there[name]
    if above.type is not DatasetType.FILESYSTEM:
        raise InvalidRequestError(f"name: {name} is a volume: nothing can be put in it", param="name")
    if key_is_missing(above):
        raise OperationError(f"the key of {name} is not loaded", hint=f"sigmavault key load {name}")
    if above.readonly:
        raise OperationError(f"{name} is read-only", hint=f"sigmavault dataset set {name} --readonly off")
    return above


def _key_file(arguments: CreateArguments, machine: Machine) -> str:
    if arguments.encryption is not Encryption.KEY_FILE:
        return ""
    return keys.free_file(machine, arguments.name)


def _command(arguments: CreateArguments, file: str) -> tuple[str, ...]:
    told = dict(properties(arguments.preset, nfs=arguments.nfs))
    if arguments.quota is not None:
        told["quota"] = str(arguments.quota)
    match arguments.encryption:
        case Encryption.PASSPHRASE:
            told |= {"encryption": "aes-256-gcm", "keyformat": "passphrase", "keylocation": "prompt"}
        case Encryption.KEY_FILE:
            place = key_values.location(file)
            told |= {"encryption": "aes-256-gcm", "keyformat": "hex", "keylocation": place}
        case Encryption.AS_PARENT:
            pass
    options = [word for name, value in told.items() for word in ("-o", f"{name}={value}")]
    return ("zfs", "create", *(["-p"] if arguments.parents else []), *options, "--", arguments.name)


def _opening(arguments: CreateArguments, place: str) -> tuple[Step, ...]:
    """Files of models are written by the daemon that downloads them."""
    if arguments.preset is not Preset.MODELS or not place:
        return ()
    entry = f"user:{MODELS_USER}:rwx"
    return (
        Step(
            text="Let the model downloads write to it",
            argv=("setfacl", "--physical", "--modify", entry, "--", place), timeout_s=zfs.CHANGE_S,
        ),
    )  # fmt: skip


def _warnings(arguments: CreateArguments, place: str) -> tuple[str, ...]:
    found = []
    if not place:
        found.append("It is mounted nowhere, because the dataset above it is not.")
    if arguments.preset is Preset.TIME_MACHINE and arguments.quota is None:
        found.append("Without a quota a Mac fills the whole pool with its backups.")
    match arguments.encryption:
        case Encryption.PASSPHRASE:
            found.append("Who forgets the passphrase has lost the data. It is asked for at each start.")
        case Encryption.KEY_FILE:
            found.append(key_values.KEY_FILE_WARNING)
        case Encryption.AS_PARENT:
            pass
    return tuple(found)


def _tidy(plan: Plan, machine: Machine) -> list[str]:
    """Destroy what this job has created, the lowest first; returns what is left of it.

    The plan was made a moment ago, with the lock held, and none of these names was there then. Without
    `-r` ZFS refuses to destroy anything that somebody has put a snapshot or a dataset in.
    """
    names = plan.facts["creates"]
    assert isinstance(names, list)  # noqa: S101 - as `plan` made it
    left = []
    for name in reversed([str(each) for each in names]):
        try:
            found = zfs.dataset(machine, name)
            zfs.require_same(machine, name, found.guid)
            machine.run(("zfs", "destroy", "--", name), timeout_s=zfs.CHANGE_S)
        except UnknownObjectError:
            continue
        except (CommandError, OperationError):
            left.append(name)
    return left
