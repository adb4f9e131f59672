"""Our own programs as Debian packages, built with debhelper from `services/`.

Three source packages: `services/` itself (sigmavault, sigmavault-desktop), `services/runtime`
(what pip installed) and `services/model` (the embedded model). Each is cached by the hash of what
goes into it and dated by the last commit that changed it, so that a change of a daemon neither packs
nor upgrades the model again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from scripts.cachekey import digest
from scripts.epoch import source_date_epoch
from scripts.errors import BuildError
from scripts.keep import keep, kept
from scripts.session import Session
from scripts.spec.model import Spec
from scripts.stages.model import embedded_model
from scripts.stages.wheels import runtime

_CHANGELOG = """\
{source} ({version}) {suite}; urgency=medium

  * Built from the SigmaVault repository.

 -- SigmaVault developers <developers@sigmavault.invalid>  {date}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A source package.

    Attributes:
        name: of the source package.
        dated_by: paths in the checkout; the last commit that touched one gives version and times.
        inputs: what its packages are made of.
        stage: lays the source tree out at a path that does not exist yet.
    """

    name: str
    dated_by: tuple[str, ...]
    inputs: list[Path]
    stage: Callable[[Path], None]


def own_packages(session: Session, spec: Spec) -> list[Path]:
    """All .deb files of our own, built where the cache lacks them."""
    services = session.paths.source / "services"
    python = runtime(session, spec.suite)
    model = embedded_model(session, spec.model)
    manifest = session.paths.source / "models-manifest.yaml"
    sources = (
        _Source(
            name="sigmavault-runtime",
            dated_by=(
                "services/runtime",
                "scripts/runtime-requirements.txt",
                "scripts/runtime-wheels.txt",
                "scripts/stages/wheels.py",
            ),
            inputs=[services / "runtime", python],
            stage=_stage_runtime(services, python),
        ),
        _Source(
            name="sigmavault-model",
            dated_by=("services/model", manifest.name),
            inputs=[services / "model", model],
            stage=_stage_model(services, model),
        ),
        _Source(
            name="sigmavault",
            dated_by=("services", manifest.name),
            inputs=[*_service_parts(services), manifest],
            stage=_stage_services(services, manifest),
        ),
    )
    return [package for source in sources for package in _packages(session, spec, source)]


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


def _packages(session: Session, spec: Spec, source: _Source) -> list[Path]:
    epoch = source_date_epoch(session.runner, session.paths.source, source.dated_by)
    version = package_version(spec.version, epoch)
    key = digest(source.name, version, spec.suite, *source.inputs, Path(__file__))
    done = session.paths.cache / "debs" / f"{source.name}-{key}"
    title = f"Debian package {source.name} {version}"
    if kept(done):
        session.progress.cached(title)
    else:
        with session.progress.step(title):
            _build(session, source, _changelog(spec, source, version, epoch), epoch, done)
    return sorted(done.glob("*.deb"))


def package_version(version: str, epoch: int) -> str:
    """A Debian version that grows with the commits of one release, and with the releases."""
    return f"{version}+{time.strftime('%Y%m%d%H%M%S', time.gmtime(epoch))}"


def _changelog(spec: Spec, source: _Source, version: str, epoch: int) -> str:
    date = format_datetime(datetime.fromtimestamp(epoch, UTC))
    return _CHANGELOG.format(source=source.name, version=version, suite=spec.suite, date=date)


def _build(session: Session, source: _Source, changelog: str, epoch: int, done: Path) -> None:
    scratch = session.paths.work / "debs" / source.name
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tree = scratch / "source"
    source.stage(tree)
    (tree / "debian/changelog").write_text(changelog, encoding="utf-8")
    env = {"SOURCE_DATE_EPOCH": str(epoch), "DEB_BUILD_OPTIONS": "nocheck", "DH_VERBOSE": "0"}
    session.runner.run(["dpkg-buildpackage", "--build=binary", "--no-sign"], cwd=tree, env=env)
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    built = [item for item in scratch.glob("*.deb") if "-dbgsym_" not in item.name]
    if not built:
        raise BuildError(f"{source.name}: dpkg-buildpackage made no package")
    for item in built:
        item.chmod(0o644)
        shutil.move(item, partial / item.name)
    keep(partial, done)
    shutil.rmtree(scratch)
