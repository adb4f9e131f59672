"""What the service tests stand on: a real model, the real runtime, a private bus, the running service."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.stages.clients import LISTS, folder_of
from tests.services.daemon import SOURCE, Ryzan, SystemBus, ensure_user
from tests.services.host_fixtures import host, root, things_bus  # noqa: F401  # fixtures
from tests.services.model_server import make_certificate
from tests.services.pool_run import folder, run  # noqa: F401  # fixtures

CACHE = Path("/cache")

# A run in the background ignores Ctrl-C, and so would every program that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.services)


@pytest.fixture(scope="session")
def manifest_entry() -> dict[str, object]:
    entry: dict[str, object] = yaml.safe_load((SOURCE / "models-manifest.yaml").read_text())["models"][0]
    return entry


@pytest.fixture(scope="session")
def smollm2(manifest_entry: dict[str, object]) -> Path:
    """The real model file, as the manifest describes it."""
    told = os.environ.get("SIGMAVAULT_TEST_MODEL")
    file = Path(told) if told else CACHE / "models" / str(manifest_entry["file"])
    if not file.is_file():
        pytest.fail(f"no model at {file}: set SIGMAVAULT_TEST_MODEL, or let a build put it into the cache")
    with file.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    assert digest == manifest_entry["sha256"], f"{file} is not the file of the manifest"
    return file


def _age(file: Path) -> float:
    return -file.stat().st_mtime


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The third-party runtime: a folder with `python/` and `ggml/`."""
    told = os.environ.get("SIGMAVAULT_RUNTIME")
    places = (
        [Path(told)]
        if told
        else [
            *sorted(CACHE.glob("runtime/*"), key=lambda each: -each.stat().st_mtime),
            Path("/usr/lib/sigmavault"),
        ]
    )
    for place in places:
        if (place / "python/llama_cpp").is_dir() and (place / "ggml").is_dir():
            return place
    pytest.fail(f"no runtime in {places}: set SIGMAVAULT_RUNTIME, or let a build put it into the cache")


@pytest.fixture(scope="session")
def clients() -> dict[str, Path]:
    """Folders with clients and judges that Debian lacks, by the name of their list."""
    lists = sorted((SOURCE / LISTS).glob("*.txt"))
    told = [Path(each) for each in os.environ.get("SIGMAVAULT_CLIENTS", "").split(os.pathsep) if each]
    found = told or [folder_of(each, CACHE) for each in lists]
    if missing := [each for each in found if not each.is_dir()]:
        pytest.fail(f"no clients at {missing}: set SIGMAVAULT_CLIENTS, or let `make test` install them")
    return {each.name.rpartition("-")[0]: each for each in found}


@pytest.fixture(scope="session")
def system_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemBus]:
    ensure_user()
    place = tmp_path_factory.mktemp("bus")
    for parent in place.parents:
        if parent.is_relative_to("/tmp/pytest-of-root"):
            parent.chmod(0o755)
    bus = SystemBus(place)
    yield bus
    bus.stop()


@pytest.fixture(scope="session")
def ryzan_env(smollm2: Path, runtime: Path) -> dict[str, str]:
    return {
        "SIGMAVAULT_RUNTIME": os.fspath(runtime),
        "SIGMAVAULT_MODELS": os.fspath(smollm2.parent),
        "SIGMAVAULT_MANIFEST": os.fspath(SOURCE / "models-manifest.yaml"),
    }


@pytest.fixture(scope="module")
def ryzan(
    system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    """The model service with its model loaded, one for all tests of a file."""
    service = Ryzan(bus=system_bus, folder=tmp_path_factory.mktemp("ryzan"), env=ryzan_env)
    try:
        service.wait_ready()
        service.wait_state("ready")
        yield service
        assert service.process.poll() is None, service.log.read_text()
    finally:
        service.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of `localhost`, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))
