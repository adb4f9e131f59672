from __future__ import annotations

import pytest
from sigmavault.core.governor.watching import (
    Arc,
    Counters,
    Pressure,
    Stalls,
    compare,
    parse_arcstats,
    parse_cpu_stat,
    parse_nfsd,
    parse_pressure,
    parse_proc_stat,
    stalls,
)

PRESSURE = """\
some avg10=12.34 avg60=5.00 avg300=1.00 total=987654
full avg10=0.00 avg60=0.00 avg300=0.00 total=1234
"""
NFSD = """\
rc 0 0 105
fh 0 0 0 0 0
io 123456789 987654321
th 8 0 0.000 0.000 0.000
ra 0 0 0 0 0 0 0 0 0 0 0 0
net 5108 0 5108 2
rpc 5107 0 0 0 0
proc4ops 76 0 0 0 9 0
"""
ARCSTATS = """\
9 1 0x01 147 39984 2846013426 3152410000
name                            type data
hits                            4    100
c                               4    1000000000
c_min                           4    129044480
c_max                           4    1073741824
size                            4    52428800
memory_available_bytes          3    -12
"""
STAT = "cpu  100 0 50 800 40 1 2 7 30 0\ncpu0 50 0 25 400 20 0 1 3 15 0\n"


def test_rates_are_differences_by_time() -> None:
    before = Counters(at=10, smb_bytes=1000, smb_cpu_us=1_000_000, nfs_calls=5, cpu_us=100, idle_us=50,
                      model_cpu_us=3_000_000,
                      files=Stalls(cpu=0, io=0, memory=0))  # fmt: skip
    now = Counters(at=12, smb_bytes=5000, smb_cpu_us=2_000_000, nfs_calls=15, cpu_us=300, idle_us=100,
                   model_cpu_us=3_500_000,
                   files=Stalls(cpu=500_000, io=9_000_000, memory=0))  # fmt: skip
    seen = compare(before, now)
    assert (seen.smb_bytes_per_s, seen.smb_cpu, seen.nfs_calls_per_s) == (2000, 0.5, 5)
    assert (seen.idle, seen.model_cpu) == (0.25, 0.25)
    assert seen.files == Pressure(cpu=0.25, io=1.0, memory=0.0)
    assert seen.nfs_bytes_per_s is None


def test_a_restarted_service_and_a_missing_counter_tell_nothing() -> None:
    seen = compare(
        Counters(at=1, smb_bytes=5000, files=Stalls(cpu=9, io=9, memory=9)),
        Counters(at=2, smb_bytes=10, nfs_bytes=4, files=Stalls(cpu=1, io=9, memory=9)),
    )
    assert (seen.smb_bytes_per_s, seen.nfs_bytes_per_s, seen.files, seen.idle) == (None,) * 4


def test_two_looks_at_the_same_time_tell_nothing() -> None:
    assert compare(Counters(at=1, smb_bytes=1), Counters(at=1, smb_bytes=2)).smb_bytes_per_s is None


def test_files_of_the_kernel_are_read() -> None:
    assert parse_pressure(PRESSURE) == 987654
    assert stalls(dict.fromkeys(("cpu", "io", "memory"), PRESSURE)) == Stalls(
        cpu=987654, io=987654, memory=987654
    )
    assert parse_nfsd(NFSD) == (123456789 + 987654321, 5107)
    assert parse_arcstats(ARCSTATS) == Arc(size=52428800, least=129044480, most=1073741824)
    assert parse_cpu_stat("usage_usec 4711\nuser_usec 1\n") == 4711
    assert parse_proc_stat(STAT) == (1000, 840)


@pytest.mark.parametrize(
    "text", ["", "\n", "some\n", "io\n", "full avg10=0 total=x\n", "cpu 1 2\n", "name\n"]
)
def test_what_is_no_such_file_is_unknown_and_never_zero(text: str) -> None:
    assert parse_pressure(text) is None
    assert stalls({"cpu": text}) is None
    assert parse_nfsd(text) is None
    assert parse_arcstats(text) is None
    assert parse_cpu_stat(text) is None
    assert parse_proc_stat(text) is None
