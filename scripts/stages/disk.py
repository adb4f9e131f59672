"""The disk image: mkosi over the same package layers, overlay, roles and packages as the ISO."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.errors import BuildError
from scripts.host.bootstrap import SUITE
from scripts.keep import keep, kept
from scripts.render.files import write
from scripts.render.mkosi import render_mkosi
from scripts.render.rolevars import role_vars
from scripts.report.beside import complete, image_file
from scripts.rootfs import stacked
from scripts.session import Session
from scripts.spec.select import Image
from scripts.stages.debs import own_packages
from scripts.stages.layers import layer_stack
from scripts.stages.publish import Built, image_key, publish

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def build_disk(session: Session, image: Image) -> Built:
    """Build the disk image (raw and qcow2), or take it from the cache."""
    debs = own_packages(session, image.spec)
    stack = layer_stack(session, image)
    key = image_key(
        session, image, stack, debs, ["mkosi.repart", "mkosi.postinst", "scripts/render", "scripts/roles.py"]
    )
    done = session.paths.cache / "images" / f"{image.name}-disk-{key}"
    if kept(done):
        session.progress.cached("Disk image")
    else:
        with session.progress.step("Disk image (mkosi)"):
            _build(session, image, stack, debs, done)
    return publish(session, image, done)


def _build(session: Session, image: Image, stack: list[Path], debs: list[Path], done: Path) -> None:
    work = session.paths.work / "mkosi"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("packages", "out", "workspace", "upper", "cache"):
        (work / name).mkdir(parents=True)
    for deb in debs:
        shutil.copy(deb, work / "packages")
    _sandbox(session, image, work / "sandbox")
    write(work / "mkosi.conf", render_mkosi(image))
    write(session.paths.build / "mkosi/roles.json", role_vars(image))
    with stacked(session.runner, stack, work / "upper", work / "base") as base:
        initrd = sorted((base / "boot").glob("initrd.img-*"))
        if len(initrd) != 1:
            raise BuildError("the package layers hold no initrd")
        shutil.copy(initrd[0], work / "initrd.img")
        _empty_dev(base)
        (base / "efi").mkdir(mode=0o700, exist_ok=True)
        session.runner.run(
            _command(session, work), cwd=session.paths.source, hint="the whole output is in the log"
        )
        _collect(session, image, work / "out", done)
    shutil.rmtree(work)


def _empty_dev(base: Path) -> None:
    """Remove device nodes: mkosi copies contents, and reading /dev/console never ends."""
    for node in (base / "dev").iterdir():
        if node.is_dir() and not node.is_symlink():
            shutil.rmtree(node)
        else:
            node.unlink()


def _command(session: Session, work: Path) -> list[str]:
    options = {
        "include": work / "mkosi.conf", "base-tree": work / "base", "package-directory": work / "packages",
        "sandbox-tree": work / "sandbox", "output-directory": work / "out",
        "workspace-directory": work / "workspace", "cache-directory": work / "cache",
        "package-cache-directory": work / "cache",
        "initrd": work / "initrd.img", "source-date-epoch": session.epoch, "output": "image",
        "build-sources": session.paths.source,
        "seed": "5e6f1a1d-7d0b-4c77-9a3e-516d61766c74",
    }  # fmt: skip
    return [
        "mkosi",
        "--directory",
        "",
        *(f"--{key}={value}" for key, value in options.items()),
        "--force",
        "build",
    ]


def _sandbox(session: Session, image: Image, sandbox: Path) -> None:
    """Apt sources for mkosi: its own would name archives that a mirror may lack."""
    text = session.mirror.stanzas(SUITE, " ".join(image.spec.areas), _KEYRING)
    if text:
        write(sandbox / "etc/apt/sources.list.d/mkosi.sources", text)


def _collect(session: Session, image: Image, out: Path, done: Path) -> None:
    """Keep the image, and the reports that mkosi.postinst wrote about its root tree."""
    raw = out / "image.raw"
    if not raw.is_file():
        raise BuildError("mkosi made no disk image")
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(out / "reports", partial)
    session.runner.run(
        ["qemu-img", "convert", "-O", "qcow2", "-c", "-o", "compression_type=zstd",
         raw, partial / image_file(image)]
    )  # fmt: skip
    complete(partial, image, Path(session.runner.log.name))
    keep(partial, done)


def raw_image(session: Session, built: Built) -> Path:
    """The same disk image as a raw, sparse file beside the compressed one."""
    packed = built.folder / built.name
    raw = packed.with_suffix(".raw")
    if raw.is_file() and raw.stat().st_mtime_ns == packed.stat().st_mtime_ns:
        session.progress.cached("Raw disk image")
        return raw
    partial = raw.with_name(raw.name + ".partial")
    with session.progress.step("Raw disk image"):
        session.runner.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", packed, partial])
    shutil.copystat(packed, partial)
    partial.rename(raw)
    return raw
