"""The state of the machine as values, and what of it is a problem. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sigmavault.cli.exit_code import ExitCode
from sigmavault.contract.ryzan1 import ModelKey, State, StatusKey
from sigmavault.core.zfs_module import Diagnosis, ZfsState


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit of systemd.

    Attributes:
        name: with its suffix.
        load: `loaded`, `not-found`, `masked`.
        active: `active`, `inactive`, `failed`, `activating`.
        sub: finer state, such as `running` or `exited`.
    """

    name: str
    load: str
    active: str
    sub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One imported ZFS pool; sizes in bytes."""

    name: str
    size_bytes: int
    allocated_bytes: int
    free_bytes: int
    health: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model that can answer at once.

    Attributes:
        id: of the model.
        backend: `local`, or the name of the server that answers for it.
        memory_bytes: resident memory of its process.
        threads: that compute.
        threads_reason: what decided their number.
        tokens_per_second: of the last answers, all together; 0 before the first.
        active_requests: being answered or waiting.
    """

    id: str
    backend: str
    memory_bytes: int
    threads: int
    threads_reason: str
    tokens_per_second: float
    active_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the model service says of itself; empty values where it says nothing.

    What is about one model is about the default one, `name`; `loaded` has all that are loaded, memory and
    requests count all. `quota_cpus` is 0 without a limit; `answers_off` is why no answers are kept.
    """

    state: str
    name: str = ""
    reason: str = ""
    memory_bytes: int = 0
    threads: int = 0
    threads_reason: str = ""
    tokens_per_second: float = 0.0
    tier: str = ""
    quota_cpus: float = 0.0
    active_requests: int = 0
    answers_kept: int = 0
    answers_bytes: int = 0
    answers_off: str = ""
    loaded: tuple[LoadedModel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All of it.

    Attributes:
        version: of SigmaVault.
        zfs: state of the kernel module.
        secure_boot: the firmware enforces signatures.
        pools: imported pools.
        units: the services that make the product.
        model: state of the model service.
        budgets: the content of `/run/sigmavault/budget.json`; empty when it was not computed.
        unread: what could not be read, and why, one sentence each.
    """

    version: str
    zfs: Diagnosis
    secure_boot: bool
    pools: tuple[Pool, ...]
    units: tuple[Unit, ...]
    model: Model
    budgets: dict[str, dict[str, int]]
    unread: tuple[str, ...]

    def problems(self) -> tuple[str, ...]:
        """What somebody should look at, one sentence each."""
        found = [self.zfs.reason] if self.zfs.state is not ZfsState.LOADED else []
        found += [f"Pool {pool.name} is {pool.health}." for pool in self.pools if pool.health != "ONLINE"]
        found += [f"{unit.name} failed." for unit in self.units if unit.active == "failed"]
        if self.model.state not in (State.READY, State.LOADING, State.UNLOADED):
            why = f": {self.model.reason}" if self.model.reason else ""
            found.append(f"The model service is {self.model.state}{why}.")
        if not self.budgets:
            found.append("The budgets of this machine were not computed.")
        return tuple(found)

    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        if self.problems():
            return ExitCode.ATTENTION
        return ExitCode.UNKNOWN if self.unread else ExitCode.OK

    def to_json(self) -> dict[str, object]:
        """A document for programs."""
        return {**asdict(self), "problems": self.problems(), "exit_code": int(self.exit_code())}


def parse_units(text: str) -> tuple[Unit, ...]:
    """Units out of `systemctl show --property=Id,LoadState,ActiveState,SubState`."""
    units = []
    for block in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in values:
            units.append(Unit(
                name=values["Id"], load=values["LoadState"],
                active=values["ActiveState"], sub=values["SubState"],
            ))  # fmt: skip
    return tuple(units)


def parse_pools(text: str) -> tuple[Pool, ...]:
    """Pools out of `zpool list -Hp -o name,size,alloc,free,health`.

    Raises:
        ValueError: the output has another form.
    """
    pools = []
    for line in text.splitlines():
        name, size, allocated, free, health = line.split("\t")
        pools.append(Pool(
            name=name, size_bytes=int(size), allocated_bytes=int(allocated),
            free_bytes=int(free), health=health,
        ))  # fmt: skip
    return tuple(pools)


def model_of(status: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> Model:
    """The model service out of what it tells: `StatusKey`, and of each model `ModelKey`."""
    own = {field.name for field in fields(Model)} & set(status)
    return Model(
        name=status[StatusKey.MODEL],
        loaded=tuple(
            LoadedModel(**{field.name: each[field.name] for field in fields(LoadedModel)})
            for each in models
            if each[ModelKey.STATE] == State.READY
        ),
        **{name: status[name] for name in own},
    )
