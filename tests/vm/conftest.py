"""Fixtures of the tests on booted images: `vm`, `scene`, `host`, `tank`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
import testinfra  # type: ignore[import-untyped]
from testinfra.host import Host  # type: ignore[import-untyped]

from tests.vm.machine.errors import MachineError
from tests.vm.machine.machine import Machine
from tests.vm.stage import ROOT, Scene, Stage, Target

ORDER = (
    "test_boot", "test_user_guide", "test_services", "test_resources", "test_exposure", "test_polkit",
    "test_host_cage", "test_host_disks",
    "test_live",
    "test_model", "test_zfs", "test_samba", "test_nfs", "test_governor", "test_host_datasets",
    "test_host_shares", "test_desktop", "test_host_pools",
    "test_host_power", "test_durability", "test_setup", "test_firmware",
)  # fmt: skip
"""Looking comes before touching, and breaking comes last: the tests of an image share one machine."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(target, variant): runs on one image or variant alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses a machine runs on each image, or on the one that `only` names."""
    if "scene" not in metafunc.fixturenames:
        return
    wanted = {
        mark.kwargs["target"] for mark in metafunc.definition.iter_markers("only") if "target" in mark.kwargs
    }
    targets = [target for target in Target if not wanted or target in wanted]
    params = [pytest.param(target, marks=getattr(pytest.mark, target), id=target) for target in targets]
    metafunc.parametrize("scene", params, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put all tests of one image together, in `ORDER`."""

    def key(item: pytest.Item) -> tuple[int, int]:
        name = item.path.stem
        place = ORDER.index(name) if name in ORDER else -1
        return int(item.get_closest_marker("disk") is not None), place

    ours = [index for index, item in enumerate(items) if item.get_closest_marker("vm")]
    for index, item in zip(ours, sorted((items[index] for index in ours), key=key), strict=True):
        items[index] = item


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    held = Stage()
    yield held
    held.close()


@pytest.fixture
def scene(stage: Stage, request: pytest.FixtureRequest) -> Scene:
    """The machine of the image this test runs on, and what is known about it."""
    found = stage.scene(request.param)
    for mark in request.node.iter_markers("only"):
        if mark.kwargs.get("variant", found.variant) != found.variant:
            pytest.skip(f"only on {mark.kwargs['variant']} images")
    return found


@pytest.fixture
def vm(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The machine; its screen is kept when the test fails, its journal at the end anyway."""
    failed_before = request.session.testsfailed
    yield scene.vm
    if request.session.testsfailed > failed_before:
        with contextlib.suppress(MachineError):
            scene.vm.screenshot(f"failed-{request.node.originalname}")


@pytest.fixture
def host(vm: Machine) -> Host:
    """The machine as testinfra sees it."""
    # No ControlPersist of testinfra's own: it would open a second connection beside ours.
    return testinfra.get_host("ssh://vm", ssh_config=str(vm.ssh.config), controlpersist=0)


@pytest.fixture
def tank(vm: Machine) -> Callable[[str], str]:
    """Gives a dataset of the mirror pool `tank` its name and returns where it is mounted."""
    if vm.execute("zpool", "list", "tank").code != 0:
        vm.succeed(
            "zpool", "create", "-o", "ashift=12", "-O", "atime=off", "-O", "xattr=sa", "-O", "acltype=posix",
            "-O", "mountpoint=/tank", "tank", "mirror",
            "/dev/disk/by-id/virtio-TANK1", "/dev/disk/by-id/virtio-TANK2",
        )  # fmt: skip

    def dataset(name: str) -> str:
        if vm.execute("zfs", "list", f"tank/{name}").code != 0:
            vm.succeed("zfs", "create", f"tank/{name}")
        return f"/tank/{name}"

    return dataset


@pytest.fixture
def no_shares_by_hand(vm: Machine) -> None:
    """Without what `test_samba` and `test_nfs` wrote by hand, which operations refuse to write over."""
    shares = "/etc/samba/sigmavault-shares.conf"
    if vm.execute("grep", "--quiet", "^.documents", shares).code == 0:
        vm.succeed("tee", shares, stdin=(ROOT / "overlay" / shares.lstrip("/")).read_bytes())
        vm.succeed("systemctl", "reload", "smbd")
    if vm.execute("rm", "/etc/exports.d/test.exports").code == 0:
        vm.succeed("exportfs", "-ra")
