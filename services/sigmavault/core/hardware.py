"""What a machine is, as far as models care: memory, cores, instruction sets, limits, bandwidth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sigmavault.core.threads import CpuView
from sigmavault.core.values import KIB, MIB

_UNITS: Mapping[str, int] = {"K": KIB, "M": MIB}


class Instruction(StrEnum):
    """Instruction sets that kernels of models use, in the words of Linux' `flags` line."""

    SSE4_2 = "sse4_2"
    AVX = "avx"
    F16C = "f16c"
    FMA = "fma"
    BMI2 = "bmi2"
    AVX2 = "avx2"
    AVX_VNNI = "avx_vnni"
    AVX512F = "avx512f"
    AVX512_VNNI = "avx512_vnni"
    AVX512_BF16 = "avx512_bf16"
    AMX_INT8 = "amx_int8"
    AMX_BF16 = "amx_bf16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What `/proc/cpuinfo` says.

    Attributes:
        name: for people; empty where it does not say.
        instructions: what all of its CPUs have.
        is_virtual: a hypervisor says that it is there.
    """

    name: str
    instructions: frozenset[Instruction]
    is_virtual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """Measured memory bandwidth.

    Attributes:
        read_bytes_s: bytes read from memory per second by all threads together; nothing is written.
        threads: how many read.
        buffer_bytes: what they read, all together: several times the last cache.
        took_s: how long all of the measurement took.
    """

    read_bytes_s: float
    threads: int
    buffer_bytes: int
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One machine, as this process may use it.

    Attributes:
        processor: its CPUs' kind.
        online: how many CPUs the kernel runs.
        cpus: those this process may use, which of them share a core, and the quota above the product.
        cache_bytes: last-level caches, all together; 0 where unknown.
        memory_bytes: MemTotal.
        available_bytes: MemAvailable.
        memory_limit_bytes: the tightest limit of a control group above the product; None: no limit.
        bandwidth: None where it was not measured.
    """

    processor: Processor
    online: int
    cpus: CpuView
    cache_bytes: int
    memory_bytes: int
    available_bytes: int
    memory_limit_bytes: int | None
    bandwidth: Bandwidth | None = None

    @property
    def usable_memory_bytes(self) -> int:
        """Memory within the limit."""
        return min(self.memory_bytes, self.memory_limit_bytes or self.memory_bytes)

    @property
    def usable_cores(self) -> float:
        """Physical cores within affinity and quota."""
        return min(float(self.cpus.cores), self.cpus.quota or float(self.cpus.cores))


def parse_meminfo(text: str) -> Mapping[str, int]:
    """Bytes by name out of `/proc/meminfo`; lines without a size in kB are passed over."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) == 2 and fields[0].isdecimal() and fields[1] == "kB":
            found[name] = int(fields[0]) * KIB
    return found


def parse_cpuinfo(text: str) -> Processor:
    """The kind of processor out of `/proc/cpuinfo`.

    Mixed processors have an entry per kind of core: only what all of them have may be used.
    """
    names: list[str] = []
    flags: list[frozenset[str]] = []
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            names.append(" ".join(value.split()))
        elif key.strip() == "flags":
            flags.append(frozenset(value.split()))
    common = frozenset.intersection(*flags) if flags else frozenset()
    return Processor(
        name=names[0] if names else "",
        instructions=frozenset(each for each in Instruction if each.value in common),
        is_virtual="hypervisor" in common,
    )


def parse_cache_size(text: str) -> int:
    """Bytes of `/sys/devices/system/cpu/cpu0/cache/index3/size`: `32768K`; 0 for another form."""
    value = text.strip()
    if value[:-1].isdecimal() and value[-1:] in _UNITS:
        return int(value[:-1]) * _UNITS[value[-1]]
    return int(value) if value.isdecimal() else 0


def last_cache_bytes(caches: Iterable[tuple[int, str, int]]) -> int:
    """All last-level caches together.

    Args:
        caches: of each CPU's each data cache: level, the CPUs that share it, bytes. One that several
            CPUs share is there several times.
    """
    distinct = set(caches)
    last = max((level for level, _, _ in distinct), default=0)
    return sum(size for level, _, size in distinct if level == last)
