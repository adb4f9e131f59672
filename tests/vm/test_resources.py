"""Slices, weights and quotas have the values computed for this very machine."""

import math

import pytest
import yaml

from tests.vm.stage import ROOT

pytestmark = pytest.mark.vm

MIB, GIB = 1024**2, 1024**3
MODEL = "sigmavault_ai.slice"
CGROUP = f"/sys/fs/cgroup/{MODEL}"


@pytest.fixture(scope="module")
def budgets():
    return yaml.safe_load((ROOT / "image.yaml").read_text())["budgets"]


@pytest.fixture
def memory(vm):
    line = vm.succeed("grep", "^MemTotal:", "/proc/meminfo")
    return int(line.split()[1]) * 1024


def test_the_model_gets_its_share_of_all_cores(vm, budgets):
    cores = int(vm.succeed("nproc", "--all"))
    seconds = budgets["model_cpu_percent"] / 100 * cores
    shown = vm.show(MODEL, "CPUQuotaPerSecUSec")["CPUQuotaPerSecUSec"]
    assert float(shown.removesuffix("s")) == pytest.approx(seconds)
    quota, period = map(int, vm.succeed("cat", f"{CGROUP}/cpu.max").split())
    assert quota / period == pytest.approx(seconds)


def test_the_model_gets_its_share_of_the_memory(vm, budgets, memory):
    want = memory * budgets["model_memory_percent"] // 100 // MIB * MIB
    assert int(vm.succeed("cat", f"{CGROUP}/memory.max")) == want


def test_the_arc_is_limited_in_bytes(scene, vm, budgets, memory):
    share = memory * budgets["arc_percent"][scene.variant] // 100 // MIB * MIB
    want = min(share, (memory - GIB) // MIB * MIB)
    assert int(vm.succeed("cat", "/sys/module/zfs/parameters/zfs_arc_max")) == want
    stats = vm.succeed("grep", "^c_max ", "/proc/spl/kstat/zfs/arcstats")
    assert int(stats.split()[-1]) == want


@pytest.mark.parametrize(
    ("slice_", "weight"),
    [("sigmavault-files.slice", "200"), (MODEL, "20"), ("sigmavault.slice", "200")],
)
def test_weights(vm, slice_, weight):
    assert vm.show(slice_, "CPUWeight", "IOWeight") == {"CPUWeight": weight, "IOWeight": weight}


def test_file_serving_outweighs_the_desktop_and_the_model(vm):
    """Weights compare siblings: the share at each level, multiplied, is what counts."""

    def weight(group: str) -> int:
        return int(vm.succeed("cat", f"/sys/fs/cgroup/{group}/cpu.weight"))

    tree, model = weight("sigmavault.slice"), weight(MODEL)
    files = weight("sigmavault.slice/sigmavault-files.slice")
    assert tree * files / (files + 100) > weight("user.slice")
    assert files >= 10 * model


def test_who_is_killed_first_when_memory_runs_out(vm):
    def score(unit: str) -> int:
        return int(vm.succeed("cat", f"/proc/{vm.show(unit, 'MainPID')['MainPID']}/oom_score_adj"))

    assert score("sigmavault-ryzan.service") == 500
    assert score("smbd.service") < 0


def test_threads_follow_the_quota(vm, budgets):
    """More threads than the quota allows make an answer tens of times slower."""
    cores = int(vm.succeed("nproc", "--all"))
    said = vm.succeed(
        "busctl",
        "call",
        "org.sigmavault.Ryzan",
        "/org/sigmavault/Ryzan",
        "org.sigmavault.Ryzan1",
        "GetStatus",
    )
    threads = int(said.partition('"threads" u ')[2].split()[0])
    assert 1 <= threads <= math.ceil(cores * budgets["model_cpu_percent"] / 100)
