"""Our own programs as Debian packages, built with debhelper from `services/`.

Three source packages: `services/` itself (sigmavault, sigmavault-desktop), `services/runtime`
(what pip installed) and `services/model` (the embedded model). Each is cached by the hash of what
goes into it, so that a change of a daemon does not pack the model again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from scripts.cachekey import digest
from scripts.errors import BuildError
from scripts.session import Session
from scripts.spec.model import Spec
from scripts.stages.model import embedded_model
from scripts.stages.wheels import runtime

_CHANGELOG = """\
{source} ({version}) {suite}; urgency=medium

  * Built from the SigmaVault repository.

 -- SigmaVault developers <developers@sigmavault.invalid>  {date}
"""


def own_packages(session: Session, spec: Spec) -> list[Path]:
    """All .deb files of our own, built where the cache lacks them."""
    services = session.paths.source / "services"
    python = runtime(session, spec.suite)
    model = embedded_model(session, spec.model)
    manifest = session.paths.source / "models-manifest.yaml"
    packages: list[Path] = []
    sources: tuple[tuple[str, list[Path | str], Callable[[Path], None]], ...] = (
        ("sigmavault-runtime", [services / "runtime", python], _stage_runtime(services, python)),
        ("sigmavault-model", [services / "model", spec.model], _stage_model(services, model)),
        ("sigmavault", [*_service_parts(services), manifest], _stage_services(services, manifest)),
    )
    for source, inputs, stage in sources:
        packages.extend(_package(session, spec, source, inputs, stage))
    return packages


def _service_parts(services: Path) -> list[Path]:
    return sorted(item for item in services.iterdir() if item.name not in ("runtime", "model", "__pycache__"))


def _stage_services(services: Path, manifest: Path) -> Callable[[Path], None]:
    def stage(target: Path) -> None:
        ignored = shutil.ignore_patterns("__pycache__", "runtime", "model", "*.egg-info", ".mypy_cache")
        shutil.copytree(services, target, ignore=ignored, symlinks=True)
        shutil.copy(manifest, target / manifest.name)

    return stage


def _stage_runtime(services: Path, python: Path) -> Callable[[Path], None]:
    def stage(target: Path) -> None:
        shutil.copytree(services / "runtime", target)
        for name in ("python", "ggml"):
            shutil.copytree(python / name, target / "stage" / name, symlinks=True)

    return stage


def _stage_model(services: Path, model: Path) -> Callable[[Path], None]:
    def stage(target: Path) -> None:
        shutil.copytree(services / "model", target)
        (target / "stage").mkdir(exist_ok=True)
        shutil.copy(model, target / "stage" / model.name)

    return stage


def _package(
    session: Session, spec: Spec, source: str, inputs: list[Path | str], stage: Callable[[Path], None]
) -> list[Path]:
    version = f"{spec.version}+{time.strftime('%Y%m%d%H%M%S', time.gmtime(session.epoch))}"
    key = digest(source, version, *inputs, Path(__file__))
    done = session.paths.cache / "debs" / f"{source}-{key}"
    title = f"Debian package {source} {version}"
    if done.is_dir():
        session.progress.cached(title)
    else:
        with session.progress.step(title):
            _build(session, source, version, spec.suite, stage, done)
    return sorted(done.glob("*.deb"))


def _build(
    session: Session, source: str, version: str, suite: str, stage: Callable[[Path], None], done: Path
) -> None:
    scratch = session.paths.work / "debs" / source
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tree = scratch / f"{source}-{version}"
    stage(tree)
    date = format_datetime(datetime.fromtimestamp(session.epoch, UTC))
    (tree / "debian/changelog").write_text(
        _CHANGELOG.format(source=source, version=version, suite=suite, date=date), encoding="utf-8"
    )
    env = {"SOURCE_DATE_EPOCH": str(session.epoch), "DEB_BUILD_OPTIONS": "nocheck", "DH_VERBOSE": "0"}
    session.runner.run(["dpkg-buildpackage", "--build=binary", "--no-sign"], cwd=tree, env=env)
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    built = [item for item in scratch.glob("*.deb") if "-dbgsym_" not in item.name]
    if not built:
        raise BuildError(f"{source}: dpkg-buildpackage made no package")
    for item in built:
        item.chmod(0o644)
        shutil.move(item, partial / item.name)
    partial.rename(done)
    shutil.rmtree(scratch)
