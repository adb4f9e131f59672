"""Third-party Python that Debian 13 lacks, compiled once for every x86-64 CPU.

llama-cpp-python is built with ggml's dynamic CPU backends: one module for each instruction set,
chosen when a model is loaded. Nothing is tuned for the machine that builds.
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

REQUIREMENTS = Path(__file__).resolve().parent.parent / "runtime-requirements.txt"
BACKENDS = Path("/usr/lib/sigmavault/ggml")
"""Where the backends lie in the image; compiled into the library, so that no other folder is tried."""

_FIXED = Path("/var/tmp/sigmavault-wheel")  # noqa: S108 - inside the tools tree, root's alone
_CMAKE = {
    "GGML_NATIVE": "OFF", "GGML_BACKEND_DL": "ON", "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_BACKEND_DIR": os.fspath(BACKENDS), "LLAVA_BUILD": "OFF", "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF", "LLAMA_BUILD_TESTS": "OFF", "GGML_CCACHE": "OFF",
}  # fmt: skip


_RECIPE = 2
"""Count this up when the steps below change."""


def runtime(session: Session, suite: str) -> Path:
    """A folder with `python/` (what pip installed) and `ggml/` (the CPU backends)."""
    compiler = session.runner.output(["gcc", "-dumpfullversion"]).strip()
    key = digest(_RECIPE, REQUIREMENTS, _CMAKE, compiler, suite)
    done = session.paths.cache / "runtime" / key
    title = "Python runtime (llama.cpp for all CPUs)"
    if kept(done):
        session.progress.cached(title)
        return done
    with session.progress.step(title):
        _build(session, done)
    return done


def _build(session: Session, done: Path) -> None:
    partial = done.with_name(done.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in ("python", "ggml", "wheels"):
        (partial / name).mkdir(parents=True)
    sources = _sources(session, partial / "sources")
    # cmake installs the backends to their absolute place: lend it a folder of the cache there.
    BACKENDS.mkdir(parents=True, exist_ok=True)
    session.runner.run(["mount", "--bind", partial / "ggml", BACKENDS])
    try:
        for source in sources:
            _wheel(session, source, partial / "wheels")
    finally:
        session.runner.run(["umount", BACKENDS])
        shutil.rmtree(_FIXED)
    for wheel in (partial / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial / "python")
    _check(partial)
    for name in ("sources", "wheels"):
        shutil.rmtree(partial / name)
    keep(partial, done)


def _sources(session: Session, folder: Path) -> list[Path]:
    """Source archives of the pinned packages, verified by pip."""
    session.runner.run(
        ["pip", "download", "--no-deps", "--no-build-isolation", "--require-hashes", "--no-binary=:all:",
         "--no-cache-dir", "--dest", folder, "--requirement", REQUIREMENTS],
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
