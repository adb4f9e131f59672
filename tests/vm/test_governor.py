"""The governor in the booted machine: a copy of a client cuts the share of the model, quiet gives it back."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.vm.asking import ask
from tests.vm.machine.machine import Machine
from tests.vm.machine.times import record
from tests.vm.machine.timing import retry
from tests.vm.stage import ARTEFACTS, Scene
from tests.vm.test_samba import client, share  # noqa: F401  # a fixture

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

GROUP = "/sys/fs/cgroup/sigmavault_ai.slice"
ANSWERS = (Path(__file__).parent / "inside" / "answers.py").read_bytes()
HOG = (Path(__file__).parent / "inside" / "hog.py").read_bytes()
UNIT = "sigmavault-governor.service"
CUT_S, BACK_S = 3.0, 30.0
"""The bars. Under emulation the client's own login takes seconds; what was measured is in `times.json`."""
TOKENS = 30
RHYTHM_S = 60.0
MIB = 1024**2
WATCH = """
cpu_us() { sed --quiet 's/^usage_usec //p' "$1/cpu.stat"; }
until [ "$(cat "$1/cpu.idle")" = 1 ]; do sleep 0.4; done
cpu_us "$1"
sleep 30
cpu_us "$1"
"""
"""CPU time of the model when it is held back, and half a minute later."""


def status(vm: Machine) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(vm.succeed("sigmavault", "governor", "status", "--json"))
    return told


def percent(vm: Machine) -> int:
    """Of the machine, for the model, as the kernel has it."""
    quota, period = map(int, vm.succeed("cat", f"{GROUP}/cpu.max").split())
    return round(100 * quota / period / int(vm.succeed("nproc", "--all")))


def wait_for(vm: Machine, wanted: int, seconds: float) -> None:
    retry(
        lambda _: percent(vm) == wanted, timeout_s=seconds, what=f"{wanted} % for the model", interval_s=0.5
    )


def changes(vm: Machine, since: float) -> list[dict[str, Any]]:
    return [each for each in status(vm)["history"]["changes"] if each["at"] > since]


def clock(vm: Machine) -> float:
    return float(vm.succeed("date", "+%s.%N"))


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file that takes a client several seconds."""
    file = tmp_path / "big"
    file.write_bytes(os.urandom(MIB) * 150)
    return file


@pytest.fixture
def full(vm: Machine, share: str) -> Iterator[None]:  # noqa: F811
    """A machine that serves nobody, whose model has all of its share; afterwards again."""
    vm.wait_for_unit(UNIT)
    wait_for(vm, 80, 90)
    yield
    vm.execute("rm", "--force", f"{share}/big")


def test_it_sees_everything_that_it_decides_by(vm: Machine, full: None) -> None:
    now = status(vm)["now"]
    assert {key for key, value in now.items() if value is None} <= {"nfs_bytes_per_s", "nfs_calls_per_s"}
    assert now["smb_bytes_per_s"] == 0
    assert status(vm)["arc"]["most"] == int(vm.succeed("cat", "/sys/module/zfs/parameters/zfs_arc_max"))


def test_a_copy_cuts_the_model_at_once_and_quiet_gives_it_back(
    scene: Scene, vm: Machine, full: None, big: Path, tmp_path: Path
) -> None:
    begin = clock(vm)
    done = client(vm, tmp_path, "put big; get big back; get big back", "-m", "SMB3")
    end = clock(vm)
    assert done.code == 0, done.describe()
    assert vm.succeed("cat", f"{GROUP}/cpu.idle").strip() == "1"
    wait_for(vm, 80, 60)
    assert vm.succeed("cat", f"{GROUP}/cpu.idle").strip() == "0"
    first, *_, last = changes(vm, begin)
    assert (first["cpu_percent"], last["cpu_percent"]) == (30, 80)
    times = {"governor_cut_s": round(first["at"] - begin, 1), "governor_back_s": round(last["at"] - end, 1)}
    record(ARTEFACTS, str(scene.target), times)
    assert times["governor_cut_s"] <= vm.scale.limit(CUT_S)
    assert times["governor_back_s"] <= vm.scale.limit(BACK_S)
    said = vm.succeed("journalctl", "--boot", f"--unit={UNIT}", "--output=cat")
    assert said.count(first["cause"]) == 1, "each change is logged once, with its cause"


def test_an_answer_outlives_the_cut_with_the_same_words(
    vm: Machine, full: None, big: Path, tmp_path: Path
) -> None:
    def answer() -> dict[str, Any]:
        said = vm.succeed("python3", "-I", "-", "once", str(TOKENS), stdin=ANSWERS, timeout_s=300)
        told: dict[str, Any] = json.loads(said)
        return told

    alone = answer()
    begin = clock(vm)
    with ThreadPoolExecutor() as pool:
        beside: Future[dict[str, Any]] = pool.submit(answer)
        time.sleep(2)
        copied = client(vm, tmp_path, "put big; get big back", "-m", "SMB3")
        cut = beside.result()
    assert copied.code == 0, copied.describe()
    assert 30 in [each["cpu_percent"] for each in changes(vm, begin)], "it was not cut while it wrote"
    assert cut["usage"]["completion_tokens"] == TOKENS
    assert cut["choices"][0]["message"] == alone["choices"][0]["message"]


def test_a_load_that_comes_and_goes_changes_little(
    vm: Machine, full: None, big: Path, tmp_path: Path
) -> None:
    """Reading for five seconds, resting for five; `make bench-governor` does it for five minutes."""
    assert client(vm, tmp_path, "put big", "-m", "SMB3").code == 0
    begin, end = clock(vm), time.monotonic() + RHYTHM_S
    while time.monotonic() < end:
        stop = time.monotonic() + 5
        while time.monotonic() < stop:
            assert client(vm, tmp_path, "get big /dev/null", "-m", "SMB3").code == 0
        time.sleep(5)
    assert len(changes(vm, begin)) <= RHYTHM_S / 10


def test_an_answer_goes_on_beside_programs_that_need_every_cpu(
    vm: Machine, full: None, big: Path, tmp_path: Path
) -> None:
    """Held back to 10 % and `idle`, it still gets a part of that: 3 s of 6 were measured."""
    assert client(vm, tmp_path, "put big", "-m", "SMB3").code == 0
    vm.succeed("tee", "/root/answers.py", stdin=ANSWERS)
    units = ("answers", *(f"spinning-{number}" for number in range(int(vm.succeed("nproc", "--all")))))
    loop = ("python3", "-c", "while True: pass")
    for unit in units:
        command = ("python3", "/root/answers.py", "busy", "1") if unit == "answers" else loop
        vm.succeed("systemd-run", "--quiet", "--collect", f"--unit={unit}", *command)
    try:
        with ThreadPoolExecutor() as pool:
            watched = pool.submit(vm.shell, WATCH, GROUP, timeout_s=60)
            while not watched.done():
                assert client(vm, tmp_path, "get big /dev/null", "-m", "SMB3", "-t", "200").code == 0
    finally:
        vm.execute("systemctl", "stop", *units)
    before, after = map(int, watched.result().split())
    assert after - before > 500_000, "microseconds of CPU time in half a minute"


def test_without_it_the_safe_share_holds(vm: Machine, full: None) -> None:
    vm.succeed("systemctl", "stop", UNIT)
    assert percent(vm) == 30
    vm.succeed("systemctl", "start", UNIT)
    wait_for(vm, 80, 60)
    vm.succeed("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
    wait_for(vm, 30, 20)
    wait_for(vm, 80, 90)


def test_swap_is_in_memory_and_not_for_the_model(vm: Machine) -> None:
    (row,) = vm.succeed("swapon", "--show=NAME,PRIO", "--noheadings").splitlines()
    assert row.split() == ["/dev/zram0", "100"]
    assert "[zstd]" in vm.succeed("cat", "/sys/block/zram0/comp_algorithm")
    assert vm.succeed("cat", f"{GROUP}/memory.swap.max").strip() == "0"


def test_out_of_memory_takes_the_model_and_no_copy(
    vm: Machine,
    full: None,
    big: Path,
    tmp_path: Path,
    share: str,  # noqa: F811
) -> None:
    """A program takes memory until the model's process is gone; a client copies meanwhile."""
    ask(vm, "unix")
    smbd = vm.show("smbd.service", "MainPID")["MainPID"]
    ryzan = vm.show("sigmavault-ryzan.service", "MainPID", "NRestarts")
    worker = vm.succeed("pgrep", "--full", "--newest", "sigmavault.ryzan.worker").strip()
    with ThreadPoolExecutor() as pool:
        copy = pool.submit(client, vm, tmp_path, "put big", "-m", "SMB3", "-t", "200")
        vm.succeed("python3", "-I", "-", worker, stdin=HOG, timeout_s=400)
        copied = copy.result()
    assert copied.code == 0, copied.describe()
    killed = vm.succeed(
        "journalctl", "--boot", "--dmesg", "--grep=Killed process", "--output=cat"
    ).splitlines()
    assert len(killed) == 1, killed
    assert f"Killed process {worker} " in killed[0]
    assert vm.show("smbd.service", "MainPID")["MainPID"] == smbd
    assert vm.show("sigmavault-ryzan.service", "MainPID", "NRestarts") == ryzan, "the service goes on"
    stored = vm.succeed("sha256sum", f"{share}/big", timeout_s=60).split()[0]
    assert stored == hashlib.sha256(big.read_bytes()).hexdigest()
    assert ask(vm, "unix")["choices"], "the model is loaded again when it is asked"
