"""Lays a described machine out as the files that the kernel would show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MACHINES = Path(__file__).parent / "machines"
NAMES = sorted(file.stem for file in MACHINES.glob("*.yaml"))

_CPUINFO = """\
processor\t: {cpu}
vendor_id\t: {vendor}
cpu family\t: {family}
model\t\t: {model}
model name\t: {name}
physical id\t: 0
siblings\t: {siblings}
core id\t\t: {core}
cpu cores\t: {cores}
fpu\t\t: yes
flags\t\t: {flags}
bugs\t\t: sysret_ss_attrs spectre_v1 spectre_v2 spec_store_bypass
bogomips\t: 7800.00
address sizes\t: 48 bits physical, 48 bits virtual

"""
_MEMINFO = """\
MemTotal:       {total} kB
MemFree:         1048576 kB
MemAvailable:   {available} kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and where its files go."""

    facts: dict[str, Any]
    root: Path

    def lay_out(self) -> Path:
        """Write all files; the root of the file system."""
        facts = self.facts
        cpus = range(facts["cores"] * facts["threads_per_core"])
        self.write("proc/cpuinfo", "".join(self.entry(cpu, len(cpus)) for cpu in cpus))
        memory = _MEMINFO.format(total=facts["mem_total_kb"], available=facts["mem_available_kb"])
        self.write("proc/meminfo", memory)
        self.write("proc/self/status", f"Name:\tpython3\nCpus_allowed_list:\t0-{cpus[-1]}\n")
        self.write("proc/self/cgroup", f"{facts['cgroup']}\n")
        self.write("sys/devices/system/cpu/online", f"0-{cpus[-1]}\n")
        for cpu in cpus:
            self.topology(cpu)
        for path, text in facts["cgroup_files"].items():
            self.write(f"sys/fs/cgroup/{path}", f"{text}\n")
        return self.root

    def entry(self, cpu: int, siblings: int) -> str:
        facts = self.facts
        return _CPUINFO.format(**facts, cpu=cpu, core=cpu % facts["cores"], siblings=siblings)

    def topology(self, cpu: int) -> None:
        """Linux numbers the second hardware threads after all first ones."""
        cores, folder = self.facts["cores"], f"sys/devices/system/cpu/cpu{cpu}"
        core = cpu % cores
        self.write(f"{folder}/topology/thread_siblings_list", self.threads_of(range(core, core + 1)))
        for at, (level, size, sharing) in enumerate(self.facts["caches"]):
            first = core // sharing * sharing
            shared = self.threads_of(range(first, first + sharing))
            files = {"level": level, "size": size, "type": "Data" if level == 1 else "Unified"}
            for name, value in {**files, "shared_cpu_list": shared.strip()}.items():
                self.write(f"{folder}/cache/index{at}/{name}", f"{value}\n")

    def threads_of(self, cores: range) -> str:
        step = self.facts["cores"]
        again = range(self.facts["threads_per_core"])
        parts = (f"{cores[0] + turn * step}-{cores[-1] + turn * step}" for turn in again)
        return ",".join(part.split("-")[0] if len(cores) == 1 else part for part in parts) + "\n"

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def lay_out(name: str, root: Path) -> Path:
    """The file system of a machine of `machines/`."""
    facts = yaml.safe_load((MACHINES / f"{name}.yaml").read_text())
    return Machine(facts, root).lay_out()
