"""The live ISO: live-build over the cached package layers."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.errors import BuildError
from scripts.keep import keep, kept
from scripts.render.livebuild import render_livebuild
from scripts.report.beside import complete, image_file
from scripts.rootfs import stacked
from scripts.session import Session
from scripts.spec.select import Image
from scripts.stages.debs import own_packages
from scripts.stages.layers import layer_stack
from scripts.stages.publish import Built, image_key, publish


def build_iso(session: Session, image: Image) -> Built:
    """Build the ISO of `image`, or take it from the cache; what lies in the output folder."""
    debs = own_packages(session, image.spec)
    stack = layer_stack(session, image)
    key = image_key(session, image, stack, debs, ["live-build", "scripts/render", "scripts/roles.py"])
    done = session.paths.cache / "images" / f"{image.name}-iso-{key}"
    if kept(done):
        session.progress.cached("ISO image")
    else:
        with session.progress.step("ISO image (live-build)"):
            _build(session, image, stack, debs, done)
    return publish(session, image, done)


def _build(session: Session, image: Image, stack: list[Path], debs: list[Path], done: Path) -> None:
    tree = session.paths.work / "live-build"
    upper = session.paths.work / "iso-root"
    shutil.rmtree(upper, ignore_errors=True)
    prepare(session, image, debs, tree)
    with stacked(session.runner, stack, upper, tree / "chroot"):
        (tree / ".build").mkdir(exist_ok=True)
        (tree / ".build/bootstrap").touch()
        session.runner.run(
            ["lb", "build"], cwd=tree, env=environment(session), hint="the whole output is in the log"
        )
        _collect(session, image, tree, done)
    shutil.rmtree(tree)
    shutil.rmtree(upper)


def prepare(session: Session, image: Image, debs: list[Path], tree: Path) -> None:
    """Make `tree` the configured live-build tree of `image`, our own packages in it."""
    shutil.rmtree(tree, ignore_errors=True)
    render_livebuild(image, session.paths.source, tree)
    packages = tree / "config/packages.chroot"
    packages.mkdir(parents=True)
    for deb in debs:
        shutil.copy(deb, packages)
    session.runner.run(["lb", "config"], cwd=tree, env=environment(session))


def environment(session: Session) -> dict[str, str]:
    """What live-build reads: a fixed time, our programs, the mirror."""
    return {
        "SOURCE_DATE_EPOCH": str(session.epoch),
        "PYTHONPATH": str(session.paths.source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "MIRROR": session.mirror.main,
        "SECURITY_MIRROR": session.mirror.security,
    }


def _collect(session: Session, image: Image, tree: Path, done: Path) -> None:
    """Keep the image and the reports about it, while its root tree is still there."""
    built = sorted(tree.glob("*.iso"))
    if len(built) != 1:
        raise BuildError(f"live-build made {len(built)} ISO files where one was expected")
    for kind in ("vmlinuz", "initrd.img"):
        if not list((tree / "binary/live").glob(f"{kind}-*")):
            raise BuildError(f"live-build put no {kind} on the ISO: it would not start")
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shutil.move(built[0], partial / image_file(image))
    session.runner.run(
        ["python3", "-m", "scripts.report", "--root", tree / "chroot", "--vars", tree / "roles.json",
         "--into", partial],
        cwd=session.paths.source, env=environment(session),
    )  # fmt: skip
    complete(partial, image, Path(session.runner.log.name))
    keep(partial, done)
