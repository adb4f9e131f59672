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
from scripts.session import Session

REQUIREMENTS = Path(__file__).resolve().parent.parent / "runtime-requirements.txt"
BACKENDS = Path("/usr/lib/sigmavault/ggml")
"""Where the backends lie in the image; compiled into the library, so that no other folder is tried."""

_CMAKE = {
    "GGML_NATIVE": "OFF", "GGML_BACKEND_DL": "ON", "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_BACKEND_DIR": os.fspath(BACKENDS), "LLAVA_BUILD": "OFF", "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF", "LLAMA_BUILD_TESTS": "OFF", "GGML_CCACHE": "OFF",
}  # fmt: skip


def runtime(session: Session, suite: str) -> Path:
    """A folder with `python/` (what pip installed) and `ggml/` (the CPU backends)."""
    compiler = session.runner.output(["gcc", "-dumpfullversion"]).strip()
    key = digest(REQUIREMENTS, Path(__file__), _CMAKE, compiler, suite)
    done = session.paths.cache / "runtime" / key
    title = "Python runtime (llama.cpp for all CPUs)"
    if done.is_dir():
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
    # cmake installs the backends to their absolute place: lend it a folder of the cache there.
    BACKENDS.mkdir(parents=True, exist_ok=True)
    session.runner.run(["mount", "--bind", partial / "ggml", BACKENDS])
    try:
        session.runner.run(
            ["pip", "wheel", "--no-deps", "--no-build-isolation", "--require-hashes", "--no-binary=:all:",
             "--no-cache-dir", "--verbose", "--wheel-dir", partial / "wheels", "--requirement", REQUIREMENTS],
            env={"CMAKE_ARGS": " ".join(f"-D{key}={value}" for key, value in _CMAKE.items()),
                 "SOURCE_DATE_EPOCH": str(session.epoch)},
            hint="is the Python package index reachable?",
        )  # fmt: skip
    finally:
        session.runner.run(["umount", BACKENDS])
    for wheel in (partial / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial / "python")
    _check(partial)
    partial.rename(done)


def _check(tree: Path) -> None:
    """Refuse a build that lacks what older and newer CPUs need."""
    found = {path.name for path in (tree / "ggml").glob("libggml-cpu-*.so")}
    missing = {f"libggml-cpu-{name}.so" for name in ("x64", "sse42", "haswell", "zen4")} - found
    if missing:
        raise BuildError(f"llama.cpp was built without {', '.join(sorted(missing))}")
