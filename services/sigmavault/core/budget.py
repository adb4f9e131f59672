"""How much of this machine the model and the ARC may take: values and arithmetic, no machine.

A share comes from TOML texts in order of precedence (last wins, key by key); a budget is what that share
is on one machine, in the units that systemd and the ZFS module want.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sigmavault.core.governor.keys import SHARE_KEYS, Layers, numbers
from sigmavault.core.values import GIB, MIB

ARC_FLOOR_BYTES = 64 * MIB
"""ZFS ignores a smaller `zfs_arc_max` (MIN_ARC_MAX in its arc.c)."""

ARC_RESERVE_BYTES = 1 * GIB
"""What the rest of the system keeps from the ARC, as ZFS's own default does, if there is that much."""

MODEL_CPU_WEIGHT = 20
"""`CPUWeight=` of the model while no files are served; its slice's own file says the same."""

LEAST_QUOTA_PERCENT = 10
"""Of one core: below this an answer that is being written would seem to have stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What the configuration asks for, each in percent of the whole machine, 1 to 100.

    Attributes:
        model_cpu_percent: CPU time of all cores together that the model may use.
        model_cpu_serving_percent: … while files are served, and while nobody watches.
        model_cpu_least_percent: … while file serving has too little even so.
        model_memory_percent: memory above which the model is ended.
        model_io_weight: of its disk accesses; file serving has 200, all others have 100. No percentage.
        arc_percent: memory that the ARC may grow to.
        arc_keep_percent: memory that the ARC never lends to the model.
    """

    model_cpu_percent: int
    model_cpu_serving_percent: int
    model_cpu_least_percent: int
    model_memory_percent: int
    model_io_weight: int
    arc_percent: int
    arc_keep_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the budget depends on.

    Attributes:
        cpus: logical CPUs that are online.
        memory_bytes: MemTotal.
    """

    cpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What holds on one machine.

    Attributes:
        cpu_quota_percent: for `CPUQuota=`, where 100 is one core.
        cpu_quota_serving_percent: … while files are served; never more than the first.
        cpu_quota_least_percent: … when that is still too much; never more than the second.
        memory_max_bytes: for `MemoryMax=`.
        io_weight: for `IOWeight=`.
        arc_max_bytes: for `zfs_arc_max`.
        arc_keep_bytes: what is left of it when a model has borrowed all it can.
    """

    cpu_quota_percent: int
    cpu_quota_serving_percent: int
    cpu_quota_least_percent: int
    memory_max_bytes: int
    io_weight: int
    arc_max_bytes: int
    arc_keep_bytes: int

    def slice_properties(self, *, is_watched: bool = True) -> tuple[str, ...]:
        """The assignments for `systemctl set-property`.

        Args:
            is_watched: somebody takes CPU time away when files are served; else it is taken away for good.
        """
        quota = self.cpu_quota_percent if is_watched else self.cpu_quota_serving_percent
        weight = str(MODEL_CPU_WEIGHT) if is_watched else "idle"
        return (
            f"CPUQuota={quota}%", f"CPUWeight={weight}", f"IOWeight={self.io_weight}",
            f"MemoryMax={self.memory_max_bytes}",
        )  # fmt: skip

    def modprobe_conf(self) -> str:
        """The text of a modprobe.d file."""
        return f"options zfs zfs_arc_max={self.arc_max_bytes}\n"


def compute_budget(machine: Machine, shares: Shares) -> Budget:
    """The budget of this machine; whole MiB, so that the figures are readable where they show up."""

    def quota(percent: int, most: int) -> int:
        return min(max(machine.cpus * percent, LEAST_QUOTA_PERCENT), most)

    full = max(1, machine.cpus * shares.model_cpu_percent)
    serving = quota(shares.model_cpu_serving_percent, full)
    arc_max = _arc(machine, shares.arc_percent)
    return Budget(
        cpu_quota_percent=full,
        cpu_quota_serving_percent=serving,
        cpu_quota_least_percent=quota(shares.model_cpu_least_percent, serving),
        memory_max_bytes=_whole_mib(machine.memory_bytes * shares.model_memory_percent // 100),
        io_weight=shares.model_io_weight,
        arc_max_bytes=arc_max,
        arc_keep_bytes=min(arc_max, _arc(machine, shares.arc_keep_percent)),
    )


def merge_shares(layers: Layers) -> Shares:
    """Shares from parsed TOML documents.

    Raises:
        ConfigError: an unknown section or key, a value that is not allowed, or a key set nowhere.
    """
    return Shares(**numbers(layers, SHARE_KEYS))


def budget_record(machine: Machine, shares: Shares, budget: Budget) -> dict[str, dict[str, int]]:
    """What `/run/sigmavault/budget.json` holds, for `sigmavault status` and tests."""
    return {"machine": asdict(machine), "shares": asdict(shares), "budget": asdict(budget)}


def parse_meminfo(text: str) -> int:
    """MemTotal in bytes out of `/proc/meminfo`.

    Raises:
        ValueError: there is no MemTotal.
    """
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "MemTotal":
            return int(value.split()[0]) * 1024
    raise ValueError("no MemTotal in meminfo")


def _arc(machine: Machine, percent: int) -> int:
    ceiling = _whole_mib(max(ARC_FLOOR_BYTES, machine.memory_bytes - ARC_RESERVE_BYTES))
    wanted = _whole_mib(machine.memory_bytes * percent // 100)
    return min(max(wanted, ARC_FLOOR_BYTES), ceiling)


def _whole_mib(size: int) -> int:
    return size // MIB * MIB
