"""What each verb of the orchestrator does."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace

from scripts.errors import SpecError
from scripts.reference import exit_codes_page, image_yaml_page, models_d_page, ryzan_toml_page
from scripts.render.files import write
from scripts.render.livebuild import render_livebuild
from scripts.render.mkosi import render_mkosi
from scripts.render.rolevars import role_vars
from scripts.report.compare import compare as compare_images
from scripts.session import Session
from scripts.spec.load import load_spec
from scripts.spec.model import Spec, Target, Variant
from scripts.spec.select import Image, default_variant
from scripts.stages.clients import installed_clients
from scripts.stages.debs import own_packages
from scripts.stages.desktop import desktop_tree, in_desktop
from scripts.stages.disk import build_disk, raw_image
from scripts.stages.iso import build_iso
from scripts.stages.model import embedded_model
from scripts.stages.publish import Built
from scripts.stages.unpack import unpacked
from scripts.stages.wheels import runtime
from scripts.surfaces import renderings

_FAST = ("-W", "error", "tests/unit", "tests/static")
"""Tests that need no image, as pytest takes them: a warning is a failure."""


def _image(spec: Spec, target: Target, arguments: argparse.Namespace) -> Image:
    variant = Variant(arguments.variant) if arguments.variant else default_variant(spec, target)
    return Image(spec=spec, variant=variant, target=target)


def _begin(session: Session) -> tuple[Session, Spec]:
    """The checked spec, and the session with the archive of the moment that it names."""
    spec = load_spec(session.paths.source)
    try:
        return replace(session, mirror=session.mirror.at(spec.snapshot)), spec
    except ValueError as error:
        raise SpecError(f"image.yaml: snapshot: {error}", "MIRROR=http://…/archive/debian") from None


def _report(session: Session, built: Built) -> int:
    path = built.folder / built.name
    host = os.environ.get("SIGMAVAULT_HOST_SOURCE", "")
    shown = os.path.join(host, path.relative_to(session.paths.source)) if host else os.fspath(path)  # noqa: PTH118
    session.progress.say(f"{shown}  {path.stat().st_size / 1e9:.2f} GB")
    return 0


def iso(session: Session, arguments: argparse.Namespace) -> int:
    """Build the live ISO."""
    session, spec = _begin(session)
    return _report(session, build_iso(session, _image(spec, Target.ISO, arguments)))


def disk(session: Session, arguments: argparse.Namespace) -> int:
    """Build the disk image, packed (qcow2) and raw."""
    session, spec = _begin(session)
    built = build_disk(session, _image(spec, Target.DISK, arguments))
    raw_image(session, built)
    return _report(session, built)


def debs(session: Session, _arguments: argparse.Namespace) -> int:
    """Build our own Debian packages."""
    session, spec = _begin(session)
    target = session.paths.out / "debs"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for package in own_packages(session, spec):
        shutil.copy(package, target)
        session.progress.say(f"build/out/debs/{package.name}")
    return 0


def render(session: Session, arguments: argparse.Namespace) -> int:
    """Write the live-build tree and the mkosi configuration."""
    spec = load_spec(session.paths.source)
    source, build = session.paths.source, session.paths.build
    live = _image(spec, Target.ISO, arguments)
    target = build / "live-build" / live.name
    render_livebuild(live, source, target)
    session.progress.say(f"{target.relative_to(source)}/")
    appliance = Image(spec=spec, variant=default_variant(spec, Target.DISK), target=Target.DISK)
    write(source / "mkosi.conf", render_mkosi(appliance))
    write(build / "mkosi/roles.json", role_vars(appliance))
    session.progress.say("mkosi.conf")
    for name, text in _pages().items():
        write(source / "docs/reference" / name, text)
        session.progress.say(f"docs/reference/{name}")
    for name, text in renderings(source).items():
        write(source / name, text)
        session.progress.say(name)
    return 0


def _pages() -> dict[str, str]:
    return {
        "image-yaml.md": image_yaml_page(),
        "exit-codes.md": exit_codes_page(),
        "ryzan-toml.md": ryzan_toml_page(),
        "models-d.md": models_d_page(),
    }


def check(session: Session, _arguments: argparse.Namespace) -> int:
    """Check image.yaml and that committed renderings are current."""
    spec = load_spec(session.paths.source)
    appliance = Image(spec=spec, variant=default_variant(spec, Target.DISK), target=Target.DISK)
    if (session.paths.source / "mkosi.conf").read_text() != render_mkosi(appliance):
        raise SpecError("mkosi.conf is older than image.yaml", "make render")
    for name, text in _pages().items():
        if (session.paths.source / "docs/reference" / name).read_text() != text:
            raise SpecError(f"docs/reference/{name} is older than the code", "make render")
    for name, text in renderings(session.paths.source).items():
        if (session.paths.source / name).read_text() != text:
            raise SpecError(f"{name} is older than the operations", "make render")
    session.progress.say("image.yaml is right")
    return 0


def _pytest(session: Session, arguments: list[str], env: dict[str, str] | None = None) -> int:
    command = ["python3", "-m", "pytest", *arguments]
    kept = {"HYPOTHESIS_STORAGE_DIRECTORY": os.fspath(session.paths.build / ".hypothesis")}
    return session.runner.status(command, cwd=session.paths.source, env={**kept, **(env or {})})


def test_fast(session: Session, arguments: argparse.Namespace) -> int:
    """Run what needs no image."""
    return _pytest(session, [*_FAST, *arguments.rest])


def lint(session: Session, arguments: argparse.Namespace) -> int:
    """Run the linters."""
    return _pytest(session, ["-W", "error", "tests/static", *arguments.rest])


def test(session: Session, arguments: argparse.Namespace) -> int:
    """Run the fast tests, build both images and run every test on them."""
    code = _pytest(session, [*_FAST])
    if code:
        return code
    session, spec = _begin(session)
    live = build_iso(session, _image(spec, Target.ISO, arguments))
    appliance = build_disk(
        session, Image(spec=spec, variant=default_variant(spec, Target.DISK), target=Target.DISK)
    )
    iso_path = live.folder / live.name
    with unpacked(session, iso_path) as root:
        env = {
            "SIGMAVAULT_ISO": os.fspath(iso_path),
            "SIGMAVAULT_DISK": os.fspath(appliance.folder / appliance.name),
            "SIGMAVAULT_ROOT": os.fspath(root),
            "SIGMAVAULT_DEBS": os.pathsep.join(map(os.fspath, own_packages(session, spec))),
            "SIGMAVAULT_CACHE": os.fspath(session.paths.cache),
            "SIGMAVAULT_CLIENTS": os.pathsep.join(map(os.fspath, installed_clients(session))),
            "SIGMAVAULT_RUNTIME": os.fspath(runtime(session, spec.suite)),
            "SIGMAVAULT_TEST_MODEL": os.fspath(embedded_model(session, spec.model)),
        }
        selected = arguments.rest or ["tests/services", "tests/image", "tests/vm"]
        return _pytest(session, ["--durations=8", "--durations-min=20", *selected], env)


def test_desktop(session: Session, arguments: argparse.Namespace) -> int:
    """Run the tests of the desktop in a headless GNOME."""
    tree = desktop_tree(session)
    chosen = [] if any(each.startswith("tests/") for each in arguments.rest) else ["tests/desktop"]
    argv = ["python3", "-m", "pytest", *arguments.rest, *chosen]
    return session.runner.status(in_desktop(tree, session, argv), inherit=True)


def vm(session: Session, arguments: argparse.Namespace) -> int:
    """Open an image in a virtual machine."""
    command = ["python3", "-m", "tests.vm.machine", *arguments.rest]
    return session.runner.status(command, cwd=session.paths.source)


def bench_build(session: Session, arguments: argparse.Namespace) -> int:
    """Measure builds."""
    from scripts.bench import bench

    return bench(session, arguments)


def bench_host(session: Session, arguments: argparse.Namespace) -> int:
    """Measure the host daemon."""
    command = ["python3", "-m", "tests.bench.hostd", *arguments.rest]
    env = {"PYTHONPATH": "services"}
    return session.runner.status(command, cwd=session.paths.source, env=env)


def bench_models(session: Session, arguments: argparse.Namespace) -> int:
    """Measure the model downloads."""
    command = ["python3", "-m", "tests.bench.models", *arguments.rest]
    return session.runner.status(command, cwd=session.paths.source, env={"PYTHONPATH": "services"})


def bench_governor(session: Session, arguments: argparse.Namespace) -> int:
    """Measure file serving beside the model, in a virtual machine."""
    session, spec = _begin(session)
    appliance = build_disk(
        session, Image(spec=spec, variant=default_variant(spec, Target.DISK), target=Target.DISK)
    )
    env = {
        "PYTHONPATH": "services", "SIGMAVAULT_DISK": os.fspath(appliance.folder / appliance.name),
        "SIGMAVAULT_CACHE": os.fspath(session.paths.cache),
    }  # fmt: skip
    command = ["python3", "-m", "tests.bench.governor", *arguments.rest]
    return session.runner.status(command, cwd=session.paths.source, env=env)


def compare(session: Session, arguments: argparse.Namespace) -> int:
    """Say how two images differ."""
    return compare_images(session, arguments.rest)
