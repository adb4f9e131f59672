"""The simulated machines: the product's own adapters read them, commands change them as on real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.errors import CommandError, CommandMissingError, ConfigError
from sigmavault.core.storage.eligibility import Code, blockers
from sigmavault.core.storage.pools import PoolState
from sigmavault.operations.machine.set_hostname import HostNameArguments
from sigmavault.simulated import description
from sigmavault.simulated.machine import SimulatedMachine
from sigmavault.system import disks, settings, units, zfs, zpool

MACHINES = sorted((Path(description.__file__).parent / "machines").glob("*.yaml"))
NEW = ("/dev/disk/by-id/ata-ST8000VN004-3CP101_WWZ1A001", "/dev/disk/by-id/ata-ST8000VN004-3CP101_WWZ1A002")


def machine(name: str) -> SimulatedMachine:
    return SimulatedMachine(
        description.read_description(next(each for each in MACHINES if each.stem == name))
    )


@pytest.fixture
def home() -> Iterator[SimulatedMachine]:
    made = machine("home")
    yield made
    made.close()


@pytest.mark.parametrize("file", MACHINES, ids=lambda file: file.stem)
def test_every_machine_can_be_read_by_the_real_adapters(file: Path) -> None:
    made = SimulatedMachine(description.read_description(file))
    assert made.is_simulated
    assert len(zpool.pools(made)) == len(made.state.imported())
    assert len(disks.disks(made)) == len(made.state.disks)
    assert bool(zfs.datasets(made)) == bool(made.state.imported())
    assert units.services(made)
    name = settings.host_name(made)
    assert HostNameArguments(name=name).name == name, "a name that the machine could not be given"
    made.close()


def test_each_disk_that_must_not_be_touched_has_its_reason(home: SimulatedMachine) -> None:
    found = {
        disk.serial: {reason.code for reason in blockers(disk)}
        for disk in disks.probed(home, disks.disks(home))
    }
    assert Code.BOOT_DISK in found["S64DNL0T123456A"]
    assert Code.POOL_MEMBER in found["WD-WX12DA3HK001"]
    assert Code.EXPORTED_POOL in found["X9GKL1002"]
    assert Code.HAS_DATA in found["WXA2A61ZK7RN"]
    assert not found["WWZ1A001"]


def test_a_pool_that_is_made_is_there_and_holds_its_disks(home: SimulatedMachine) -> None:
    home.run(["zpool", "create", "-n", "--", "new", "mirror", *NEW], timeout_s=1)
    assert [pool.name for pool in zpool.pools(home)] == ["tank"]
    home.run(["zpool", "create", "-o", "ashift=12", "--", "new", "mirror", *NEW], timeout_s=1)
    assert zpool.pool(home, "new").state is PoolState.ONLINE
    assert all(home.is_held(Path(device)) for device in NEW)
    home.run(["zfs", "create", "--", "new/photos"], timeout_s=1)
    home.run(["zfs", "snapshot", "-r", "--", "new@one"], timeout_s=1)
    assert {each.name for each in zfs.snapshots(home, "new", recursive=True)} == {"new@one", "new/photos@one"}


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["zpool", "create", "--", "tank", "mirror", *NEW], "already exists"),
        (["zpool", "create", "--", "new", "raidz3", *NEW], "at least 4"),
        (
            ["zpool", "create", "--", "new", "/dev/disk/by-id/ata-WDC_WD40EFPX-68C6CN0_WD-WX12DA3HK001"],
            "active",
        ),
        (["zpool", "offline", "--", "tank", "nothing"], "no such device"),
        (["zfs", "destroy", "--", "tank/photos"], "has children"),
        (["zfs", "create", "--", "tank/a/b"], "parent does not exist"),
        (["systemctl", "restart", "--", "evil.service"], "not found"),
    ],
)
def test_what_a_real_program_refuses_is_refused(
    home: SimulatedMachine, argv: list[str], complaint: str
) -> None:
    before = (zpool.pools(home), zfs.datasets(home))
    with pytest.raises(CommandError) as caught:
        home.run(argv, timeout_s=1)
    assert complaint in caught.value.stderr
    assert (zpool.pools(home), zfs.datasets(home)) == before


def test_a_disk_of_a_raidz_that_goes_offline_degrades_it(home: SimulatedMachine) -> None:
    disk = "ata-WDC_WD40EFPX-68C6CN0_WD-WX12DA3HK001"
    home.run(["zpool", "offline", "--", "tank", disk], timeout_s=1)
    assert zpool.pool(home, "tank").state is PoolState.DEGRADED
    home.run(["zpool", "replace", "--", "tank", disk, NEW[0]], timeout_s=1)
    assert zpool.pool(home, "tank").state is PoolState.ONLINE


def test_what_is_not_on_the_machine_is_not_installed(home: SimulatedMachine) -> None:
    with pytest.raises(CommandMissingError):
        home.run(["rm", "-rf", "--", "/"], timeout_s=1)


def test_its_files_lie_in_a_folder_of_their_own_and_go_with_it(home: SimulatedMachine) -> None:
    assert home.root != Path("/")
    home.close()
    assert not home.root.exists()


def test_a_description_names_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(
        "name: odd\nabout: x\ndisks: []\npools: [{name: tank, data: [{kind: disk, disks: [sdx]}]}]\n"
    )
    with pytest.raises(ConfigError, match="pool tank: there is no disk sdx"):
        description.read_description(file)
    file.write_text("name: odd\nabout: x\ndisks: [{name: a, size: 5}]\n")
    with pytest.raises(ConfigError, match=r"disks\[0\]"):
        description.read_description(file)
