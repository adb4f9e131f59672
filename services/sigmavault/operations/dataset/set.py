"""`dataset.set`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import DatasetName
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
)
from sigmavault.core.storage import settings
from sigmavault.core.storage.datasets import Dataset, DatasetType, Source
from sigmavault.core.storage.settings import (
    Cache,
    Compression,
    Inheritable,
    LogBias,
    OnOff,
    RecordSize,
    SnapDir,
    Sync,
)
from sigmavault.core.values import format_bytes
from sigmavault.operations.dataset.rows import DatasetRow, lock, row, target
from sigmavault.system import zfs

_NOT_PROPERTIES = frozenset({"name", "inherit"})


class SetArguments(Arguments):
    """Which properties to change; what is left out stays as it is."""

    name: Annotated[DatasetName, Positional()] = Field(description="the dataset", examples=["tank/photos"])
    quota: Bytes | None = Field(
        default=None, description="the most it may hold with snapshots and children; 0 for no limit",
        examples=[500 * 10**9],
    )  # fmt: skip
    refquota: Bytes | None = Field(
        default=None, description="the most its own data may hold, without snapshots; 0 for no limit"
    )
    reservation: Bytes | None = Field(
        default=None, description="space kept for it with snapshots and children; 0 for none"
    )
    refreservation: Bytes | None = Field(default=None, description="space kept for its own data; 0 for none")
    compression: Compression | None = Field(default=None, description="how blocks are compressed")
    recordsize: RecordSize | None = Field(default=None, description="the largest block of a file")
    atime: OnOff | None = Field(default=None, description="whether reading a file is written down")
    relatime: OnOff | None = Field(default=None, description="with atime: at most once a day")
    readonly: OnOff | None = Field(default=None, description="whether nothing can be written")
    snapdir: SnapDir | None = Field(default=None, description="whether the folder .zfs is shown")
    sync: Sync | None = Field(default=None, description="what fsync(2) waits for")
    logbias: LogBias | None = Field(default=None, description="what the log device is used for")
    primarycache: Cache | None = Field(default=None, description="what is kept in memory")
    exec: OnOff | None = Field(default=None, description="whether programs on it can be started")
    inherit: tuple[Inheritable, ...] = Field(
        default=(), max_length=len(Inheritable), description="take these from the dataset above again",
        examples=[["compression"]],
    )  # fmt: skip


class SetProperties(Change[SetArguments, DatasetRow]):
    """Other properties for a dataset."""

    name = "dataset.set"
    summary = "Change properties of a dataset: quota, compression, …"
    risk = Risk.CHANGE
    examples = (
        "dataset set tank/photos --quota 500G",
        "dataset set tank/vm --sync always --recordsize 16K",
        "dataset set tank/photos --inherit compression",
    )

    def plan(self, arguments: SetArguments, machine: Machine) -> Plan:
        """Show what each was and will be."""
        dataset = zfs.properties(machine, arguments.name)
        if dataset.is_trash:
            raise OperationError(f"{dataset.name} lies in the trash")
        changes = _changes(arguments)
        _require_possible(dataset, changes, arguments)
        told = [
            f"{name} from {_shown(name, _old(dataset, name))} to {_shown(name, value)}"
            for name, value in changes.items()
        ]
        told += [f"{name} as the dataset above has it" for name in arguments.inherit]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Set {', '.join(told)} on {dataset.name}", steps=_steps(arguments, changes),
            targets=(target(dataset),), warnings=settings.warnings(changes), locks=(lock(dataset.name),),
            facts={name: _old(dataset, name) for name in (*changes, *arguments.inherit)},
            notes=(f"{dataset.name} holds {format_bytes(dataset.used_bytes)}",),
        )  # fmt: skip

    def answer(self, arguments: SetArguments, machine: Machine) -> DatasetRow:
        """It, as it is now."""
        return row(zfs.dataset(machine, arguments.name))

    def outcome(self, arguments: SetArguments, plan: Plan, machine: Machine) -> Outcome:
        """All hold, or not all."""
        dataset = zfs.properties(machine, arguments.name)
        if dataset.guid != plan.targets[0].identity:
            return Outcome.UNKNOWN
        is_set = all(_old(dataset, name) == _told(name, value) for name, value in _changes(arguments).items())
        is_left = all(dataset.properties[name].source is not Source.LOCAL for name in arguments.inherit)
        return Outcome.FINISHED if is_set and is_left else Outcome.FAILED


def _changes(arguments: SetArguments) -> Mapping[str, str | int]:
    told = arguments.model_dump(exclude_none=True, exclude=set(_NOT_PROPERTIES))
    return {name: value for name, value in told.items() if isinstance(value, str | int)}


def _require_possible(dataset: Dataset, changes: Mapping[str, str | int], arguments: SetArguments) -> None:
    if not changes and not arguments.inherit:
        raise InvalidRequestError("no property is given", hint="see `sigmavault dataset set --help`")
    if len(set(arguments.inherit)) < len(arguments.inherit) or set(arguments.inherit) & set(changes):
        raise InvalidRequestError("inherit: a property is given twice", param="inherit")
    if dataset.type is DatasetType.VOLUME:
        for name in (*changes, *arguments.inherit):
            if name in settings.OF_FILESYSTEMS:
                raise InvalidRequestError(f"{name}: {dataset.name} is a volume and has none", param=name)
    _require_room(dataset, changes)


def _require_room(dataset: Dataset, changes: Mapping[str, str | int]) -> None:
    for name, held in (("quota", dataset.used_bytes), ("refquota", dataset.referenced_bytes)):
        limit = changes.get(name, 0)
        if isinstance(limit, int) and 0 < limit < held:
            raise InvalidRequestError(
                f"{name}: {dataset.name} holds {format_bytes(held)} already", param=name,
                hint=f"at least {held}, or 0 for no limit",
            )  # fmt: skip


def _old(dataset: Dataset, name: str) -> str:
    found = dataset.properties.get(name)
    return "" if found is None else str(found.value)


def _told(name: str, value: str | int) -> str:
    return settings.as_told(name, value)


def _shown(name: str, value: str | int) -> str:
    if name not in settings.SIZES:
        return settings.as_said(name, str(value))
    return format_bytes(int(value)) if str(value) not in {"0", "none"} else "none"


def _steps(arguments: SetArguments, changes: Mapping[str, str | int]) -> tuple[Step, ...]:
    steps = []
    if changes:
        words = [f"{name}={value or 'none'}" for name, value in changes.items()]
        argv = ("zfs", "set", "--", *words, arguments.name)
        steps.append(
            Step(text=f"Set {', '.join(words)} on {arguments.name}", argv=argv, timeout_s=zfs.CHANGE_S)
        )
    for name in arguments.inherit:
        argv = ("zfs", "inherit", "--", name, arguments.name)
        steps.append(Step(text=f"Let {arguments.name} inherit {name}", argv=argv, timeout_s=zfs.CHANGE_S))
    return tuple(steps)
