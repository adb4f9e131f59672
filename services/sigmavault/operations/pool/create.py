"""`pool.create`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from sigmavault.core.errors import (
    CommandError,
    CommandTimeoutError,
    InvalidRequestError,
    OperationError,
    OutcomeUnknownError,
    UnknownObjectError,
)
from sigmavault.core.names import NewPoolName
from sigmavault.core.operation import (
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
    Work,
)
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage import topology
from sigmavault.core.storage.keys import FOLDER, KEY_FILE_WARNING, location
from sigmavault.core.storage.pools import Pool
from sigmavault.core.storage.topology import Layout, Topology
from sigmavault.core.values import format_bytes
from sigmavault.operations.pool.begun import begun, is_begun
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.taking import (
    Disks,
    Taken,
    TakingArguments,
    forced,
    hand_over,
    refuse_uneven,
    take,
)
from sigmavault.operations.pool.touched import CHANGE_TIMEOUT_S
from sigmavault.system import keys, zpool

ROOT: Final = "srv"
"""Every pool is mounted at /srv/NAME (hier: data that this machine serves), where no name can hide a folder
of the system as `/etc` or `/home` would be hidden by a pool of that name."""
COMPATIBILITY: Final = "openzfs-2.3"
"""Features of the ZFS that Debian 13 has, and no newer ones: the previous image can still import the pool."""
_LEAST_PASSPHRASE: Final = 8


class Compression(StrEnum):
    """How blocks are compressed."""

    LZ4 = "lz4"
    ZSTD = "zstd"


class CreateArguments(TakingArguments):
    """What the new pool is made of."""

    name: Annotated[NewPoolName, Positional()] = Field(description="name of the pool", examples=["tank"])
    layout: Annotated[Layout, Positional()] = Field(
        description="how the disks keep each other's data", examples=["mirror", "raidz2"]
    )
    disks: Annotated[Disks, Positional()] = Field(
        min_length=1, examples=[["ata-WDC_WD40EFRX_WD-1234", "ata-WDC_WD40EFRX_WD-5678"]],
        description="the disks: names of /dev/disk/by-id, or serials",
    )  # fmt: skip
    vdevs: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, examples=[2],
        description="how many groups the disks are shared out among, in their order; normally one",
    )  # fmt: skip
    spare: Disks = Field(default=(), description="disks that wait to stand in for one that fails")
    log: Disks = Field(default=(), description="disks for synchronous writes; several are a mirror")
    cache: Disks = Field(default=(), description="disks for a second read cache")
    special: Disks = Field(
        default=(), description="fast disks for metadata, a mirror; the pool is lost with them"
    )
    encrypted: bool = Field(default=False, description="encrypt all data; a passphrase is asked for")
    key_file: bool = Field(
        default=False,
        description="encrypt all data with a key that this machine makes and keeps, in place of a passphrase",
    )
    compression: Compression = Field(default=Compression.LZ4, description="how data is compressed")
    no_redundancy: bool = Field(
        default=False, description="it is meant that the first disk that fails takes all data with it"
    )
    uneven_sizes: bool = Field(
        default=False, description="it is meant that the smallest disk of a group counts for all of it"
    )

    @property
    def has_passphrase(self) -> bool:
        """Whether a person types what encrypts it."""
        return self.encrypted and not self.key_file


class CreatePool(Change[CreateArguments, PoolView]):
    """Create a pool out of whole disks."""

    name = "pool.create"
    summary = "Create a pool out of whole disks"
    risk = Risk.CHANGE
    examples = (
        "pool create tank mirror WD-1234 WD-5678",
        "pool create tank raidz2 WD-1 WD-2 WD-3 WD-4 WD-5 WD-6 --spare WD-7",
        "pool create tank mirror WD-1 WD-2 WD-3 WD-4 --vdevs 2 --encrypted",
        "pool create tank mirror WD-1 WD-2 --key-file",
    )
    secrets: ClassVar = {"passphrase": f"passphrase of the new pool, {_LEAST_PASSPHRASE} characters or more"}

    def plan(self, arguments: CreateArguments, machine: Machine) -> Plan:
        """Look at every disk, at the name and at the place where the pool will be mounted."""
        pools = zpool.pools(machine)
        if (pool := begun(machine, arguments.name, _names(arguments), pools)) is not None:
            return self._rest(arguments, pool)
        _refuse_name(arguments.name, machine, pools)
        taken = take(machine, _names(arguments), arguments, pools)
        asked = _topology(arguments, taken)
        sizes = refuse_uneven(asked.groups, is_allowed=arguments.uneven_sizes)
        file = keys.free_file(machine, arguments.name) if arguments.key_file else ""
        words = _words(arguments, asked, file)
        drawn = zpool.rehearse(machine, "create", words, is_forced=bool(sizes or taken.with_data))
        step = Step(
            text=f"Create the pool {arguments.name}", argv=("zpool", "create", *forced(sizes), *words),
            secret="passphrase" if arguments.has_passphrase else "", timeout_s=CHANGE_TIMEOUT_S,
        )  # fmt: skip
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=_summary(arguments, asked), steps=(*taken.steps, *_making(file), step),
            targets=(Target(kind="pool", name=arguments.name, identity="new"), *taken.targets),
            losses=taken.losses, warnings=(*_warnings(arguments, asked), *sizes, *taken.worries),
            dry_run=drawn,
            confirmation=arguments.name if taken.losses else "",
            secrets=("passphrase",) if arguments.has_passphrase else (),
            locks=(f"pool:{arguments.name}", *taken.locks), facts={"key_file": file, "begun": ""},
        )  # fmt: skip

    def _rest(self, arguments: CreateArguments, pool: Pool) -> Plan:
        """What is missing of a pool whose making was cut off."""
        pairs = (f"{key}={value}" for key, value in _properties(arguments).items())
        step = Step(
            text=f"Give the pool {pool.name}, whose making was cut off, its properties",
            argv=("zfs", "set", "--", *pairs, pool.name), timeout_s=CHANGE_TIMEOUT_S,
        )  # fmt: skip
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Finish the pool {pool.name}: it is there, and its making was cut off", steps=(step,),
            targets=(Target(kind="pool", name=pool.name, identity=pool.guid),),
            locks=(f"pool:{pool.name}",), facts={"key_file": "", "begun": pool.guid},
        )  # fmt: skip

    def apply(self, arguments: CreateArguments, plan: Plan, machine: Machine, work: Work) -> PoolView:
        """Make disks blank where that was allowed, create the pool, and take back a half-made one."""
        if plan.facts["begun"]:
            run_steps(plan.steps, machine, work)
            return self.answer(arguments, machine)
        if arguments.has_passphrase and len(work.secret("passphrase").strip("\n")) < _LEAST_PASSPHRASE:
            raise InvalidRequestError(f"must have {_LEAST_PASSPHRASE} characters or more", param="passphrase")
        taken = take(machine, _names(arguments), arguments, zpool.pools(machine))
        taken.make_blank(machine, work)
        file = str(plan.facts["key_file"])
        if file:
            keys.make(machine, file)
        try:
            hand_over(plan.steps[-1], machine, work)
        except CommandTimeoutError as error:
            raise OutcomeUnknownError(
                f"nobody can tell whether {arguments.name} was created: {error.message}",
                hint="`sigmavault pool list` shows what there is",
            ) from error
        except CommandError as error:
            done = _take_back(arguments.name, taken, machine)
            if file and _is_gone(arguments.name, machine):
                keys.discard(machine, file)
            raise OperationError(
                f"{arguments.name} was not created: {zpool.reason(error.stderr)}{done}"
            ) from error
        return self.answer(arguments, machine)

    def answer(self, arguments: CreateArguments, machine: Machine) -> PoolView:
        """The new pool."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: CreateArguments, plan: Plan, machine: Machine) -> Outcome:
        """A pool of this name with exactly these disks is there and whole, or none is."""
        try:
            pool = zpool.pool(machine, arguments.name)
        except UnknownObjectError:
            return Outcome.FAILED
        names = {target.name for target in plan.targets[1:]}
        # a plan of an older daemon, whose job is looked at after an upgrade, does not have it
        if pool.guid != plan.facts.get("begun") and {leaf.disk for leaf in pool.leaves()} != names:
            return Outcome.UNKNOWN
        # asked for once more, it is brought to its end
        return Outcome.FAILED if is_begun(machine, pool) else Outcome.FINISHED


def _names(arguments: CreateArguments) -> tuple[str, ...]:
    return (*arguments.disks, *arguments.special, *arguments.log, *arguments.cache, *arguments.spare)


def _refuse_name(name: str, machine: Machine, pools: tuple[Pool, ...]) -> None:
    if name in {pool.name for pool in pools}:
        raise InvalidRequestError(f"there is a pool {name} already", param="name")
    place = machine.root / ROOT / name
    if place.is_symlink() or (place.exists() and (not place.is_dir() or any(place.iterdir()))):
        raise OperationError(
            f"the pool would be mounted at /{ROOT}/{name}, and something is there already",
            hint="take another name, or move what is there away",
        )


def _topology(arguments: CreateArguments, taken: Taken) -> Topology:
    found = iter(taken.members)

    def next_of(names: tuple[str, ...]) -> tuple[topology.Member, ...]:
        return tuple(next(found) for _ in names)

    data = topology.split(arguments.layout, next_of(arguments.disks), arguments.vdevs)
    special, log = next_of(arguments.special), next_of(arguments.log)
    asked = Topology(
        data=data, special=(topology.mirrored(special),) if special else (),
        log=topology.mirrored(log) if log else None, cache=next_of(arguments.cache),
        spares=next_of(arguments.spare),
    )  # fmt: skip
    topology.check(asked)
    if asked.redundancy == 0 and not arguments.no_redundancy:
        raise InvalidRequestError(
            "the first disk that fails would take all data with it", param="no_redundancy",
            hint="use mirror or raidz; say `no_redundancy` if this is meant",
        )  # fmt: skip
    return asked


def _warnings(arguments: CreateArguments, asked: Topology) -> tuple[str, ...]:
    lost = "without the passphrase nobody can ever read the data again"
    told = ((lost, arguments.has_passphrase), (KEY_FILE_WARNING, arguments.key_file))
    return (*topology.warnings(asked), *(text for text, holds in told if holds))


def _making(file: str) -> tuple[Step, ...]:
    return (Step(text=f"Make a key in /{FOLDER}/{file}"),) if file else ()


def _is_gone(name: str, machine: Machine) -> bool:
    """Whether there is no such pool, so that nothing is encrypted with its key; no when nobody can tell."""
    try:
        return name not in {pool.name for pool in zpool.pools(machine)}
    except (CommandError, OperationError):
        return False


def _properties(arguments: CreateArguments) -> dict[str, str]:
    """Of the first dataset, which the others inherit; zfsprops(7)."""
    return {
        "compression": arguments.compression.value, "atime": "off", "xattr": "sa", "acltype": "posix",
        "dnodesize": "auto", "mountpoint": f"/{ROOT}/{arguments.name}",
    }  # fmt: skip


def _words(arguments: CreateArguments, asked: Topology, file: str) -> tuple[str, ...]:
    """What stands behind `zpool create`. What can never be changed later comes first.

    `failmode=continue` and autoexpand: zpoolprops(7).
    """
    pool = {
        "ashift": "12", "compatibility": COMPATIBILITY, "autoexpand": "on", "failmode": "continue",
        "autotrim": "off" if all(member.is_rotational for member in asked.members) else "on",
    }  # fmt: skip
    dataset = _properties(arguments)
    if file:
        dataset |= {"encryption": "aes-256-gcm", "keyformat": "hex", "keylocation": location(file)}
    elif arguments.encrypted:
        dataset |= {"encryption": "aes-256-gcm", "keyformat": "passphrase", "keylocation": "prompt"}
    options = [word for key, value in pool.items() for word in ("-o", f"{key}={value}")]
    options += [word for key, value in dataset.items() for word in ("-O", f"{key}={value}")]
    return (*options, "--", arguments.name, *asked.words)


def _summary(arguments: CreateArguments, asked: Topology) -> str:
    groups = f"{len(asked.data)} groups of " if len(asked.data) > 1 and arguments.vdevs else ""
    return (
        f"Create the pool {arguments.name}: {groups}{arguments.layout}, {len(asked.members)} disks, room for "
        f"about {format_bytes(asked.usable_bytes)}; {asked.redundancy} of each group may fail"
    )


def _take_back(name: str, taken: Taken, machine: Machine) -> str:
    """Destroy a pool that was made and then failed (it could not be mounted): only if it is this job's.

    The name was free when the plan was made, and the disks were in no pool: a pool of this name on exactly
    these disks is the one that was just made. It is looked at twice, by GUID.
    """
    try:
        made = zpool.pool(machine, name)
        disks = {leaf.disk for leaf in made.leaves()}
        if disks != {disk.name for disk in taken.disks} or zpool.pool(machine, name).guid != made.guid:
            return "; a pool of this name is there that was not made here, and was left alone"
        machine.run(("zpool", "destroy", "--", name), timeout_s=CHANGE_TIMEOUT_S)
    except UnknownObjectError:
        return ""
    except (CommandError, OperationError) as error:
        return f"; what was made could not be taken back: {error.message}"
    return "; what was made was taken back"
