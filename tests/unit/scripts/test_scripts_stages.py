"""What is built again after a change, and what is not; what the stages refuse."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.errors import BuildError, MirrorError
from scripts.process import CommandError, Runner
from scripts.session import Session
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image, Layer
from scripts.stages import debs, layers, publish
from tests.unit.scripts.conftest import Checkout

MakeSession = Callable[..., Session]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the layers that were made rather than found; making one is a folder here."""
    names: list[str] = []

    def make(_session: Session, _image: Image, layer: Layer, _below: list[Path], done: Path) -> None:
        names.append(layer.name)
        done.mkdir(parents=True)

    monkeypatch.setattr(layers, "_make", make)
    return names


def stack(checkout: Checkout, session_of: MakeSession, *image: object) -> list[Path]:
    built = checkout.image(*image)  # type: ignore[arg-type]
    return layers.layer_stack(session_of(checkout.root), built)


def test_layers_are_made_once(made: list[str], checkout: Checkout, session_of: MakeSession) -> None:
    first = stack(checkout, session_of)
    assert made == ["server", "desktop", "iso"]
    assert stack(checkout, session_of) == first
    assert len(made) == 3


def test_images_share_the_layers_below(made: list[str], checkout: Checkout, session_of: MakeSession) -> None:
    desktop = stack(checkout, session_of)
    appliance = stack(checkout, session_of, Variant.SERVER, Target.DISK)
    assert made == ["server", "desktop", "iso", "disk"]
    assert appliance[0] == desktop[0]


CHANGES = {
    "package of the server": (
        "      - wireguard-tools\n",
        "      - hello\n      - wireguard-tools\n",
        ["server", "desktop", "iso"],
    ),
    "package of the desktop": ("      - nautilus\n", "      - nautilus\n      - hello\n", ["desktop", "iso"]),
    "package of the target": ("      - shim-signed\n", "      - hello\n      - shim-signed\n", ["iso"]),
    "archive area": (
        "contrib, non-free-firmware]",
        "contrib, non-free-firmware, non-free]",
        ["server", "desktop", "iso"],
    ),
    "moment": ("snapshot: null", "snapshot: 20261101T000000Z", ["server", "desktop", "iso"]),
    "budget": ("model_cpu_percent: 80", "model_cpu_percent: 70", []),
    "locale": ("locale: en_US", "locale: de_AT", []),
    "version": ("version: 0.1.0", "version: 0.2.0", []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_layer_is_made_again_when_its_packages_change(
    case: str, made: list[str], checkout: Checkout, session_of: MakeSession
) -> None:
    stack(checkout, session_of)
    made.clear()
    old, new, expected = CHANGES[case]
    checkout.change(old, new)
    stack(checkout, session_of)
    assert made == expected


@pytest.mark.parametrize(
    "path", ["overlay/etc/motd", "roles/base/tasks/main.yml", "services/sigmavault/__init__.py"]
)
def test_no_layer_is_made_again_for_our_own_files(
    path: str, made: list[str], checkout: Checkout, session_of: MakeSession
) -> None:
    before = stack(checkout, session_of)
    append(checkout, path)
    assert stack(checkout, session_of) == before
    assert len(made) == 3


def append(checkout: Checkout, path: str) -> None:
    with (checkout.root / path).open("a") as stream:
        stream.write("# changed\n")


class Keys:
    """Keys of the same image before and after changes."""

    def __init__(self, checkout: Checkout, session_of: MakeSession) -> None:
        self.checkout, self.session_of = checkout, session_of
        self.stack, self.debs = [Path("/cache/layers/server-1")], [Path("/cache/debs/sigmavault-1/a.deb")]

    def key(self, *, epoch: int = 1) -> str:
        session = self.session_of(self.checkout.root, epoch)
        return publish.image_key(session, self.checkout.image(), self.stack, self.debs, ["live-build"])


@pytest.fixture
def keys(checkout: Checkout, session_of: MakeSession) -> Keys:
    return Keys(checkout, session_of)


def test_an_image_is_not_built_again_for_nothing(keys: Keys) -> None:
    before = keys.key()
    (keys.checkout.root / "README.md").write_text("new")
    (keys.checkout.root / "overlay/README.md").touch()
    assert keys.key() == before


@pytest.mark.parametrize(
    "path",
    [
        "overlay/etc/motd",
        "roles/base/tasks/main.yml",
        "roles/finish/vars/main.yml",
        "live-build/auto/config.j2",
    ],
)
def test_an_image_is_built_again_for_one_file(path: str, keys: Keys) -> None:
    before = keys.key()
    append(keys.checkout, path)
    assert keys.key() != before


def test_an_image_is_built_again_for_the_mode_of_a_file(keys: Keys) -> None:
    before = keys.key()
    (keys.checkout.root / "overlay/etc/motd").chmod(0o755)
    assert keys.key() != before


def test_an_image_is_built_again_when_a_file_moves(keys: Keys) -> None:
    before = keys.key()
    base = keys.checkout.root / "overlay/etc/ssh/sshd_config.d"
    (base / "10-sigmavault.conf").rename(base / "20-sigmavault.conf")
    assert keys.key() != before


def test_an_image_is_built_again_for_what_it_is_made_of(keys: Keys) -> None:
    found = {keys.key(), keys.key(epoch=2)}
    keys.debs = [Path("/cache/debs/sigmavault-2/a.deb")]
    found.add(keys.key())
    keys.stack = [Path("/cache/layers/server-2")]
    found.add(keys.key())
    keys.checkout.change("hostname: sigmavault", "hostname: vault")
    found.add(keys.key())
    assert len(found) == 5


def test_the_overlay_of_another_image_does_not_matter(keys: Keys) -> None:
    before = keys.key()
    append(keys.checkout, "overlay/etc/fstab")
    assert keys.key() == before, "that is the disk image's"


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the source packages that were packed rather than found."""
    names: list[str] = []
    (tmp_path / "python").mkdir()
    (tmp_path / "model.gguf").write_text("weights")

    def build(_session: Session, source: debs._Source, _changelog: str, _epoch: int, done: Path) -> None:
        names.append(source.name)
        done.mkdir(parents=True)
        (done / f"{source.name}.deb").touch()

    monkeypatch.setattr(debs, "_build", build)
    monkeypatch.setattr(debs, "runtime", lambda *_: tmp_path / "python")
    monkeypatch.setattr(debs, "embedded_model", lambda *_: tmp_path / "model.gguf")
    return names


@pytest.mark.runs_programs
@pytest.mark.parametrize(
    ("path", "again"),
    [
        ("services/sigmavault/__init__.py", ["sigmavault"]),
        ("services/data/usr/lib/sigmavault/budget.toml", ["sigmavault"]),
        ("services/debian/control", ["sigmavault"]),
        ("services/model/debian/rules", ["sigmavault-model"]),
        ("services/runtime/debian/control", ["sigmavault-runtime"]),
        ("overlay/etc/motd", []),
        ("roles/base/tasks/main.yml", []),
    ],
)
def test_only_the_package_that_changed_is_packed_again(
    path: str, again: list[str], packed: list[str], checkout: Checkout, session_of: MakeSession
) -> None:
    session, spec = session_of(checkout.root), checkout.spec()
    assert len(debs.own_packages(session, spec)) == 3
    packed.clear()
    append(checkout, path)
    assert len(debs.own_packages(session, spec)) == 3
    assert packed == again


@pytest.mark.runs_programs
def test_other_weights_are_packed_again(
    packed: list[str], checkout: Checkout, session_of: MakeSession, tmp_path: Path
) -> None:
    debs.own_packages(session_of(checkout.root), checkout.spec())
    packed.clear()
    (tmp_path / "model.gguf").write_text("other weights")
    debs.own_packages(session_of(checkout.root), checkout.spec())
    assert packed == ["sigmavault-model"]


_RELEASES = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))


@pytest.mark.runs_programs
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(_RELEASES, st.integers(1_500_000_000, 4_000_000_000)), min_size=2, max_size=3, unique=True
    )
)
def test_versions_grow_as_dpkg_sees_them(steps: list[tuple[tuple[int, int, int], int]]) -> None:
    versions = [debs.package_version(".".join(map(str, release)), epoch) for release, epoch in sorted(steps)]
    for older, newer in pairwise(versions):
        runner().run(["dpkg", "--compare-versions", older, "lt", newer])


def runner() -> Runner:
    return Runner(log=io.StringIO(), env={"PATH": "/usr/bin:/bin"})


# What apt and mmdebstrap printed when it was tried.
FAILURES = {
    "mmdebstrap, package": (
        [
            "Building dependency tree...",
            "E: Unable to locate package no-such-package",
            "E: setup failed: E: apt-get -o Dir::Bin::dpkg=env failed: process exited with 100",
            "E: mmdebstrap failed to run",
        ],
        "layer server: the archive has no package no-such-package",
    ),
    "apt, candidate": (
        ["Package foo is not available, but is referred to by another package.",
         "E: Package 'foo' has no installation candidate"],
        "layer server: the archive has no package foo",
    ),
    "mmdebstrap, archive": (
        [
            "  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)",
            "E: Failed to fetch http://127.0.0.1:9/debian/dists/trixie/InRelease  Unable to connect to 127…",
            "E: Some index files failed to download. They have been ignored, or old ones used instead.",
        ],
        "layer server: http://127.0.0.1:9/debian/dists/trixie/InRelease does not answer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_what_the_archive_lacks_is_named(case: str) -> None:
    tail, message = FAILURES[case]
    found = layers.archive_error("server", CommandError(["apt-get"], 100, tail))
    assert isinstance(found, MirrorError)
    assert found.message == message
    assert found.hint


def test_another_failure_is_not_put_on_the_archive() -> None:
    tail = [
        "Errors were encountered while processing: zfs-dkms",
        "E: Sub-process dpkg returned an error code (1)",
    ]
    assert layers.archive_error("server", CommandError(["apt-get"], 100, tail)) is None


def test_a_layer_that_fails_is_not_kept(
    checkout: Checkout, session_of: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CommandError(["mmdebstrap"], 25, ["E: Unable to locate package hello"])

    monkeypatch.setattr(layers, "_bootstrap", fail)
    session = session_of(checkout.root)
    with pytest.raises(MirrorError, match="no package hello"):
        layers.layer_stack(session, checkout.image())
    assert not [item for item in (session.paths.cache / "layers").iterdir() if item.suffix != ".partial"]


def test_changes_for_the_time_of_an_installation_are_taken_back(tmp_path: Path) -> None:
    config = tmp_path / "etc/initramfs-tools/update-initramfs.conf"
    config.parent.mkdir(parents=True)
    config.write_text("update_initramfs=yes\n")
    (tmp_path / "usr/sbin").mkdir(parents=True)
    with pytest.raises(RuntimeError), layers._no_services(tmp_path), layers._no_initramfs(tmp_path):
        assert config.read_text() == "update_initramfs=no\n"
        assert (tmp_path / "usr/sbin/policy-rc.d").stat().st_mode & 0o111
        raise RuntimeError
    assert config.read_text() == "update_initramfs=yes\n"
    assert not (tmp_path / "usr/sbin/policy-rc.d").exists()


@pytest.mark.parametrize(
    ("kernels", "fine"), [([], False), (["6.12.1-amd64"], True), (["6.1", "6.12"], False)]
)
def test_one_kernel_is_expected(kernels: list[str], fine: bool, tmp_path: Path) -> None:
    for name in kernels:
        (tmp_path / "usr/lib/modules" / name / "kernel").mkdir(parents=True)
    if fine:
        assert layers.kernel_version([tmp_path]) == kernels[0]
    else:
        with pytest.raises(BuildError, match="one kernel was expected"):
            layers.kernel_version([tmp_path])
