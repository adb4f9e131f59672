from __future__ import annotations

import mmap
import os
from pathlib import Path

from sigmavault.core.residency import Memory
from sigmavault.system import memory

ARCSTATS = """13 1 0x01 147 39984 6171104034 1093726219000
name                            type data
hits                            4    161034
c_min                           4    1048576000
c_max                           4    8388608000
size                            4    3145728000
"""


def machine(root: Path, *, limit: str = "max") -> Path:
    for place, text in {
        "proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\nBogus:\n",
        "proc/spl/kstat/zfs/arcstats": ARCSTATS,
        "proc/self/cgroup": "0::/a.slice/b.service\n",
        "sys/fs/cgroup/a.slice/memory.max": f"{limit}\n",
        "sys/fs/cgroup/a.slice/memory.stat": "anon 1000\nfile 99999999\nkernel 200\nshmem 30\n",
        "sys/fs/cgroup/a.slice/b.service/memory.max": "max\n",
    }.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return root


def test_memory_of_a_machine_with_zfs(tmp_path: Path) -> None:
    assert memory.read_memory(machine(tmp_path)) == Memory(
        available=8_000_000 * 1024, arc=3_145_728_000, arc_least=1_048_576_000, group_left=None
    )


def test_a_limit_anywhere_above_counts_less_what_cannot_be_dropped(tmp_path: Path) -> None:
    assert memory.read_memory(machine(tmp_path, limit="5000")).group_left == 5000 - 1230
    assert memory.read_memory(machine(tmp_path, limit="1000")).group_left == 0


def test_a_hidden_meminfo_is_not_taken_for_no_memory(tmp_path: Path) -> None:
    found = memory.read_memory(tmp_path)
    assert found.available > 0
    assert (found.arc, found.group_left) == (0, None)


def test_this_process_holds_memory() -> None:
    held = memory.held_bytes(os.getpid())
    # pages of its own: an ordinary object may reuse what others have left
    with mmap.mmap(-1, 50_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b"x" * len(block))
        assert memory.held_bytes(os.getpid()) - held > 40_000_000
    assert memory.resident_bytes([os.getpid(), 2**22]) > 5_000_000
