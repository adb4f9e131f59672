"""Third-party Python that Debian 13 lacks, for every x86-64 CPU.

llama-cpp-python is compiled once, with ggml's dynamic CPU backends: one module for each instruction set,
chosen when a model is loaded. Nothing is tuned for the machine that builds. Its own cache entry spares the
minutes when only a ready-made wheel changes.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from scripts.cachekey import digest
from scripts.errors import BuildError
from scripts.keep import keep, kept
from scripts.session import Session

_SCRIPTS = Path(__file__).resolve().parent.parent
REQUIREMENTS = _SCRIPTS / "runtime-requirements.txt"
WHEELS = _SCRIPTS / "runtime-wheels.txt"
BACKENDS = Path("/usr/lib/sigmavault/ggml")
"""Where the backends lie in the image; compiled into the library, so that no other folder is tried."""

_FIXED = Path("/var/tmp/sigmavault-wheel")  # noqa: S108 - inside the tools tree, root's alone
_CMAKE = {
    "GGML_NATIVE": "OFF", "GGML_BACKEND_DL": "ON", "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_BACKEND_DIR": os.fspath(BACKENDS), "LLAVA_BUILD": "OFF", "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF", "LLAMA_BUILD_TESTS": "OFF", "GGML_CCACHE": "OFF",
}  # fmt: skip


_RECIPE = 2
"""Count this up when the steps of `_build` change."""


def runtime(session: Session, suite: str) -> Path:
    """A folder with `python/` (what pip installed) and `ggml/` (the CPU backends)."""
    native = _native(session, suite)
    done = session.paths.cache / "runtime" / digest(native.name, WHEELS)
    title = "Python runtime (ready-made wheels)"
    if kept(done):
        session.progress.cached(title)
        return done
    with session.progress.step(title):
        partial = _empty(done, "wheels")
        for name in ("python", "ggml"):
            shutil.copytree(native / name, partial / name, symlinks=True)
        _download(session, WHEELS, partial / "wheels", "--only-binary=:all:")
        _unpack(partial)
        keep(partial, done)
    return done


def _native(session: Session, suite: str) -> Path:
    """The part of the runtime that is compiled here."""
    compiler = session.runner.output(["gcc", "-dumpfullversion"]).strip()
    done = session.paths.cache / "native" / digest(_RECIPE, REQUIREMENTS, _CMAKE, compiler, suite)
    title = "Python runtime (llama.cpp for all CPUs)"
    if kept(done):
        session.progress.cached(title)
        return done
    with session.progress.step(title):
        _build(session, done)
    return done


def _empty(done: Path, *names: str) -> Path:
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in names:
        (partial / name).mkdir(parents=True)
    return partial


def _build(session: Session, done: Path) -> None:
    partial = _empty(done, "python", "ggml", "wheels", "sources")
    sources = _download(session, REQUIREMENTS, partial / "sources", "--no-binary=:all:")
    # cmake installs the backends to their absolute place: lend it a folder of the cache there.
    BACKENDS.mkdir(parents=True, exist_ok=True)
    session.runner.run(["mount", "--bind", partial / "ggml", BACKENDS])
    try:
        for source in sources:
            _wheel(session, source, partial / "wheels")
    finally:
        session.runner.run(["umount", BACKENDS])
        shutil.rmtree(_FIXED)
    _unpack(partial)
    _check(partial)
    shutil.rmtree(partial / "sources")
    keep(partial, done)


def _unpack(partial: Path) -> None:
    for wheel in (partial / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial / "python")
    shutil.rmtree(partial / "wheels")


def _download(session: Session, requirements: Path, folder: Path, kind: str) -> list[Path]:
    """Source archives or wheels of the pinned packages, verified by pip."""
    session.runner.run(
        ["pip", "download", "--no-deps", "--no-build-isolation", "--require-hashes", kind,
         "--no-cache-dir", "--dest", folder, "--requirement", requirements],
        hint="is the Python package index reachable?",
    )  # fmt: skip
    return sorted(folder.iterdir())


def _wheel(session: Session, source: Path, wheels: Path) -> None:
    """Build one source archive, unpacked at a fixed place whose name stays out of the result."""
    shutil.rmtree(_FIXED, ignore_errors=True)
    _FIXED.mkdir(parents=True)
    session.runner.run(["tar", "--extract", "--strip-components=1", "--directory", _FIXED, "--file", source])
    package = source.name.split("-")[0]
    flags = f"-ffile-prefix-map={_FIXED}={package}"
    session.runner.run(
        ["pip", "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--verbose",
         "--wheel-dir", wheels, _FIXED],
        env={"CMAKE_ARGS": " ".join(f"-D{key}={value}" for key, value in _CMAKE.items()),
             "CFLAGS": flags, "CXXFLAGS": flags, "SOURCE_DATE_EPOCH": str(session.epoch)},
    )  # fmt: skip


def _check(tree: Path) -> None:
    """Refuse a build that lacks what older and newer CPUs need."""
    found = {path.name for path in (tree / "ggml").glob("libggml-cpu-*.so")}
    missing = {f"libggml-cpu-{name}.so" for name in ("x64", "sse42", "haswell", "zen4")} - found
    if missing:
        raise BuildError(f"llama.cpp was built without {', '.join(sorted(missing))}")
