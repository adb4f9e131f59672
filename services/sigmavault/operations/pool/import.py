"""`pool.import`. The name is a word of Python: `registry.find` gets at the class."""

# ruff: noqa: N999

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.names import NewPoolName
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
    Value,
    Work,
)
from sigmavault.core.storage.datasets import Dataset, DatasetType
from sigmavault.core.storage.pools import Pool
from sigmavault.core.storage.pools_import import ForeignPool
from sigmavault.operations.pool.create import ROOT
from sigmavault.operations.pool.shown import PoolView, iso, view
from sigmavault.system import zfs, zpool

_TIMEOUT_S: Final = 300.0
_NOWHERE: Final = frozenset({"", "none", "legacy", "-"})
_SYSTEM: Final = frozenset({
    "", "bin", "boot", "dev", "efi", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc", "root",
    "run", "sbin", "sys", "tmp", "usr", "var",
})  # fmt: skip
"""Folders at the root that belong to this machine (hier(7))."""


class Rewind(StrEnum):
    """Whether the last transactions may be thrown away."""

    NO = "no"
    CHECK = "check"
    """Ask ZFS whether that would help, and what it would cost (`-F -n`)."""
    YES = "yes"


class ImportArguments(Arguments):
    """Which pool, and what was decided about it."""

    pool: Annotated[str, Positional()] = Field(
        description="the pool: its name, or its GUID when several have one name", min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.: -]*$", examples=["tank", "7960909989655746611"],
    )  # fmt: skip
    rename: NewPoolName | None = Field(default=None, description="another name for it", examples=["tank2"])
    readonly: bool = Field(default=False, description="write nothing to it: the careful first try")
    force: bool = Field(
        default=False, description="another machine used it last, and is known not to use it any more"
    )
    missing_log: bool = Field(
        default=False, description="go without a log disk that is missing: acknowledged writes may be lost"
    )
    rewind: Rewind = Field(
        default=Rewind.NO,
        description="throw the last transactions of a damaged pool away, or ask whether that helps",
    )
    relocate: bool = Field(
        default=False, description=f"mount all of it below /{ROOT}/NAME, whatever its datasets say"
    )


class Imported(Value):
    """What came of it.

    Attributes:
        pool: the pool; None after a check that found it needs rewinding.
        said: what ZFS said about rewinding.
        unmounted: datasets that were not mounted, and why.
    """

    pool: PoolView | None
    said: str = ""
    unmounted: tuple[str, ...] = ()


class ImportPool(Change[ImportArguments, Imported]):
    """Take a pool into use that is plugged in."""

    name = "pool.import"
    summary = "Take a pool into use that is plugged in"
    risk = Risk.CHANGE
    examples = ("pool import tank --readonly", "pool import 7960909989655746611 --rename tank2")

    def plan(self, arguments: ImportArguments, machine: Machine) -> Plan:
        """Nothing is tried here: even `zpool import -F -n` imports a pool that is not damaged."""
        if arguments.readonly and arguments.relocate:
            raise InvalidRequestError("a pool that is not written cannot be relocated", param="relocate")
        found = _find(zpool.importable(machine), arguments.pool)
        name = arguments.rename or found.name
        if name in {each.name for each in zpool.pools(machine)}:
            raise InvalidRequestError(
                f"there is a pool {name} already", param="rename", hint="give it another name"
            )
        warnings = _warnings(found, arguments, machine)
        text = f"Import the pool {found.name}" + (f" as {name}" if name != found.name else "")
        argv = (
            *zpool.IMPORT,
            "-N",
            *_options(arguments),
            "--",
            found.guid,
            *((name,) if arguments.rename else ()),
        )
        steps = [Step(text=f"{text}, without mounting anything", argv=argv, timeout_s=_TIMEOUT_S)]
        if arguments.rewind is not Rewind.CHECK:
            steps.append(Step(text="Look where it would be mounted, and let it go again if that is unsafe"))
            if arguments.relocate:
                steps += _relocating(name)
            steps.append(
                Step(text="Mount its datasets", argv=("zfs", "mount", "-R", "--", name), timeout_s=_TIMEOUT_S)
            )
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=tuple(steps), targets=(Target(kind="pool", name=found.name, identity=found.guid),),
            warnings=warnings, losses=_losses(arguments),
            confirmation=found.name if _losses(arguments) else "",
            locks=(f"pool:{name}",), facts={"name": name, "state": found.state.value},
        )  # fmt: skip

    def apply(self, arguments: ImportArguments, plan: Plan, machine: Machine, work: Work) -> Imported:
        """Import without mounting, look at the mount points, and only then mount."""
        name = str(plan.facts["name"])
        first, *_ = plan.steps
        work.progress(first.text, 0.0)
        said = machine.run(first.argv, timeout_s=first.timeout_s, check=False)
        if said.status:
            if arguments.rewind is Rewind.CHECK:
                return Imported(pool=None, said=zpool.reason(said.stdout + said.stderr))
            raise OperationError(f"{plan.targets[0].name} was not imported: {zpool.reason(said.stderr)}")
        pool = _imported(machine, name, plan)
        if pool is None:
            return Imported(pool=None, said=zpool.reason(said.stdout + said.stderr))
        if not arguments.relocate:
            _refuse_places(machine, pool)
        for step in plan.steps[1:]:
            if step.argv[:2] == ("zfs", "mount"):
                break
            if step.argv:
                machine.run(step.argv, timeout_s=step.timeout_s)
        return _mounted(machine, name)

    def outcome(self, arguments: ImportArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is imported; whether everything was mounted, `dataset.list` tells."""
        try:
            pool = zpool.pool(machine, str(plan.facts["name"]))
        except UnknownObjectError:
            return Outcome.FAILED
        return Outcome.FINISHED if pool.guid == plan.targets[0].identity else Outcome.UNKNOWN


def _find(found: tuple[ForeignPool, ...], wanted: str) -> ForeignPool:
    fits = [each for each in found if wanted in {each.name, each.guid}]
    if not fits:
        raise UnknownObjectError(
            f"no pool {wanted!r} is plugged in that could be imported", hint="`sigmavault pool importable`"
        )
    if len(fits) > 1:
        guids = ", ".join(each.guid for each in fits)
        raise OperationError(
            f"{len(fits)} pools have the name {wanted}", hint=f"take one by its GUID: {guids}"
        )
    return fits[0]


def _warnings(found: ForeignPool, arguments: ImportArguments, machine: Machine) -> tuple[str, ...]:
    """What has to be decided first, step by step: each refusal says what the next step is."""
    said = []
    if not found.is_importable and arguments.rewind is Rewind.NO:
        raise OperationError(
            f"{found.name} cannot be imported: it is {found.state}. {found.problem}",
            hint=found.remedy or "plug in the missing disks",
        )
    if found.is_of_other_host:
        label = zpool.last_use(machine, found)
        when = f" at {iso(label.written)}" if label.written else ""
        last = f"{found.name} was last used by {label.host or 'another machine'}{when}, and not let go there"
        if not arguments.force:
            raise OperationError(
                last, hint="if that machine does not use it any more, say `force`: two at once destroy it"
            )
        said.append(f"{last}: if that machine still uses it, all data is destroyed")
    if found.has_missing_log and not arguments.missing_log:
        raise OperationError(
            f"a log disk of {found.name} is missing: writes that were acknowledged may be on it alone",
            hint="plug it in; say `missing_log` to go without",
        )
    if any(not is_found for _, is_found in found.disks):
        missing = ", ".join(name for name, is_found in found.disks if not is_found)
        said.append(f"not found: {missing}")
    if arguments.missing_log:
        said.append("without its log disk, writes that were acknowledged before may be lost")
    return tuple(said)


def _losses(arguments: ImportArguments) -> tuple[str, ...]:
    return ("what was written last, mostly seconds of it",) if arguments.rewind is Rewind.YES else ()


def _options(arguments: ImportArguments) -> tuple[str, ...]:
    rewind = {Rewind.NO: (), Rewind.CHECK: ("-F", "-n"), Rewind.YES: ("-F",)}[arguments.rewind]
    return (
        *(("-o", "readonly=on") if arguments.readonly else ()), *(("-f",) if arguments.force else ()),
        *(("-m",) if arguments.missing_log else ()), *rewind,
    )  # fmt: skip


def _relocating(name: str) -> list[Step]:
    return [
        Step(
            text="Forget where its datasets were mounted",
            argv=("zfs", "inherit", "-r", "mountpoint", "--", name),
        ),
        Step(
            text=f"Mount all of it below /{ROOT}/{name}",
            argv=("zfs", "set", "-u", f"mountpoint=/{ROOT}/{name}", "--", name),
        ),
    ]


def _imported(machine: Machine, name: str, plan: Plan) -> Pool | None:
    """The pool, if it is there and the right one; None after a check that did not import it."""
    try:
        pool = zpool.pool(machine, name)
    except UnknownObjectError:
        return None
    if pool.guid != plan.targets[0].identity:
        raise OperationError(
            f"{name} is another pool than the one that was to be imported; it was left alone"
        )
    return pool


def _refuse_places(machine: Machine, pool: Pool) -> None:
    """A pool says itself where it is mounted, and ZFS mounts over folders that are not empty, even /etc."""
    odd = [
        f"{each.name} at {each.mountpoint}"
        for each in zfs.datasets(machine, pool.name)
        if not _is_safe(each, machine)
    ]
    if odd:
        machine.run(("zpool", "export", "--", pool.name), timeout_s=_TIMEOUT_S)
        raise OperationError(
            f"{pool.name} was not imported, for it would hide parts of this machine: {', '.join(odd[:5])}",
            hint=f"say `relocate`: then all of it is mounted below /{ROOT}/{pool.name}",
        )


def _is_safe(dataset: Dataset, machine: Machine) -> bool:
    """Whether nothing of this machine is hidden when the dataset is mounted where it wants to be."""
    place = dataset.mountpoint
    if dataset.type is DatasetType.VOLUME or place in _NOWHERE:
        return True
    parts = place.strip("/").split("/")
    if not place.startswith("/") or ".." in parts or parts[0] in _SYSTEM:
        return False
    folder = machine.root / place.lstrip("/")
    return not folder.is_symlink() and not (folder.exists() and (folder.is_file() or any(folder.iterdir())))


def _mounted(machine: Machine, name: str) -> Imported:
    said = machine.run(("zfs", "mount", "-R", "--", name), timeout_s=_TIMEOUT_S, check=False)
    try:
        left = [
            each.name
            for each in zfs.datasets(machine, name)
            if each.type is DatasetType.FILESYSTEM and not each.mounted and each.mountpoint not in _NOWHERE
        ]
    except CommandError:
        left = []
    why = zpool.reason(said.stderr) if said.status else "its key is not loaded, or it is not to be mounted"
    unmounted = tuple(f"{each}: {why}" for each in left)
    return Imported(pool=view(zpool.pool(machine, name), machine.now()), unmounted=unmounted)
