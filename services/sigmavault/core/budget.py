"""How much of this machine the model and the ARC may take: values and arithmetic, no machine.

A share comes from TOML texts in order of precedence (last wins, key by key); a budget is what that share
is on one machine, in the units that systemd and the ZFS module want.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sigmavault.core.errors import ConfigError
from sigmavault.core.values import GIB, MIB

ARC_FLOOR_BYTES = 64 * MIB
"""ZFS ignores a smaller `zfs_arc_max` (MIN_ARC_MAX in its arc.c)."""

ARC_RESERVE_BYTES = 1 * GIB
"""What the rest of the system keeps from the ARC, as ZFS's own default does, if there is that much."""

_KEYS = {
    ("model", "cpu_percent_of_machine"): "model_cpu_percent",
    ("model", "memory_percent"): "model_memory_percent",
    ("arc", "percent"): "arc_percent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What the configuration asks for, each in percent of the whole machine, 1 to 100.

    Attributes:
        model_cpu_percent: CPU time of all cores together that the model may use.
        model_memory_percent: memory above which the model is ended.
        arc_percent: memory that the ARC may grow to.
    """

    model_cpu_percent: int
    model_memory_percent: int
    arc_percent: int


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
        memory_max_bytes: for `MemoryMax=`.
        arc_max_bytes: for `zfs_arc_max`.
    """

    cpu_quota_percent: int
    memory_max_bytes: int
    arc_max_bytes: int

    def slice_properties(self) -> tuple[str, ...]:
        """The assignments for `systemctl set-property`."""
        return (f"CPUQuota={self.cpu_quota_percent}%", f"MemoryMax={self.memory_max_bytes}")

    def modprobe_conf(self) -> str:
        """The text of a modprobe.d file."""
        return f"options zfs zfs_arc_max={self.arc_max_bytes}\n"


def compute_budget(machine: Machine, shares: Shares) -> Budget:
    """The budget of this machine; whole MiB, so that the figures are readable where they show up."""
    arc_ceiling = max(ARC_FLOOR_BYTES, machine.memory_bytes - ARC_RESERVE_BYTES)
    arc_wanted = _whole_mib(machine.memory_bytes * shares.arc_percent // 100)
    return Budget(
        cpu_quota_percent=max(1, machine.cpus * shares.model_cpu_percent),
        memory_max_bytes=_whole_mib(machine.memory_bytes * shares.model_memory_percent // 100),
        arc_max_bytes=min(max(arc_wanted, ARC_FLOOR_BYTES), _whole_mib(arc_ceiling)),
    )


def merge_shares(layers: Sequence[tuple[str, Mapping[str, object]]]) -> Shares:
    """Shares from parsed TOML documents.

    Args:
        layers: name of the file (for messages) and its content, the weakest first.

    Raises:
        ConfigError: an unknown section or key, a value that is no percentage, or a key set nowhere.
    """
    found: dict[str, int] = {}
    for name, document in layers:
        for section, keys in document.items():
            if not isinstance(keys, Mapping):
                raise ConfigError(f"{name}: `{section}` is no section; allowed: {_allowed()}")
            for key, value in keys.items():
                found[_field(name, section, key)] = _percent(name, f"{section}.{key}", value)
    missing = [".".join(place) for place, field in _KEYS.items() if field not in found]
    if missing:
        raise ConfigError(f"{' and '.join(name for name, _ in layers)}: {missing[0]} is set nowhere")
    return Shares(**found)


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


def _whole_mib(size: int) -> int:
    return size // MIB * MIB


def _allowed() -> str:
    return ", ".join(f"{section}.{key}" for section, key in _KEYS)


def _field(name: str, section: str, key: str) -> str:
    field = _KEYS.get((section, key))
    if field is None:
        raise ConfigError(f"{name}: unknown key {section}.{key}; allowed: {_allowed()}")
    return field


def _percent(name: str, place: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ConfigError(f"{name}: {place} = {value!r}; allowed: a whole number from 1 to 100")
    return value
