"""The state of the machine as values, and what of it is a problem. No I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sigmavault.cli.exit_code import ExitCode
from sigmavault.contract.ryzan1 import State
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
class Model:
    """What the model service says of itself; empty values where it says nothing."""

    state: str
    name: str = ""
    reason: str = ""
    memory_bytes: int = 0
    threads: int = 0
    tokens_per_second: float = 0.0


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
        if self.model.state not in (State.READY, State.LOADING):
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


def parse_model(reply: dict[str, object]) -> Model:
    """The model's state out of busctl's JSON of `GetStatus`.

    Raises:
        ValueError: the reply is not of the contract's form.
    """
    try:
        data: object = reply["data"]
        values = {key: variant["data"] for key, variant in data[0].items()}  # type: ignore[index]  # checked by the except
        return Model(
            state=str(values["state"]), name=str(values.get("model", "")),
            reason=str(values.get("reason", "")), memory_bytes=int(values.get("memory_bytes", 0)),
            threads=int(values.get("threads", 0)),
            tokens_per_second=float(values.get("tokens_per_second", 0.0)),
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"the model service gave a reply of unknown form: {error!r}") from error
