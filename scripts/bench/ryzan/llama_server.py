"""llama-server, the peer: built from the llama.cpp sources inside the product's own llama-cpp-python.

Only the server is compiled. ggml and llama.cpp are the shared libraries of the product's own runtime, so both
sides compute with the very same instructions.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scripts.cachekey import digest
from scripts.errors import BuildError
from scripts.keep import keep, kept
from scripts.session import Session
from scripts.stages.wheels import REQUIREMENTS

_PACKAGE = "llama-cpp-python"
_PROJECT = Path(__file__).with_name("CMakeLists.txt")
_FIXED = Path("/var/tmp/sigmavault-peer")  # noqa: S108 - inside the tools tree, root's alone
_RECIPE = 1
"""Count this up when the steps below change."""


def llama_server(session: Session, runtime: Path) -> Path:
    """The program in the cache, built where it is missing; it needs `python/lib` of the runtime to run."""
    compiler = session.runner.output(["gcc", "-dumpfullversion"]).strip()
    libraries = [
        runtime / "python/lib" / name for name in ("libllama.so", "libllama-common.so", "libggml.so")
    ]
    key = digest(_RECIPE, _PROJECT, REQUIREMENTS, compiler, *libraries)
    done = session.paths.cache / "bench" / f"llama-server-{key}"
    title = "llama-server, the peer"
    if kept(done):
        session.progress.cached(title)
    else:
        with session.progress.step(title):
            _build(session, runtime, done)
    return done / "llama-server"


def _build(session: Session, runtime: Path, done: Path) -> None:
    partial = done.with_name(done.name + ".partial")
    for folder in (partial, _FIXED):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        sources = _sources(session)
        shutil.copy(_PROJECT, sources)
        build = _FIXED / "build"
        session.runner.run(
            ["cmake", "-G", "Ninja", "-S", sources, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
             f"-DRUNTIME={runtime / 'python'}"]
        )  # fmt: skip
        session.runner.run(["cmake", "--build", build, "--target", "llama-server"])
        shutil.copy(build / "tools/server/llama-server", partial)
    finally:
        shutil.rmtree(_FIXED)
    keep(partial, done)


def _sources(session: Session) -> Path:
    """llama.cpp's sources: from the archive that the runtime is built of, verified by pip."""
    wanted = _FIXED / "requirements.txt"
    wanted.write_text(requirement(REQUIREMENTS.read_text(encoding="utf-8")), encoding="utf-8")
    session.runner.run(
        ["pip", "download", "--no-deps", "--no-build-isolation", "--require-hashes", "--no-binary=:all:",
         "--no-cache-dir", "--dest", _FIXED, "--requirement", wanted],
        hint="is the Python package index reachable?",
    )  # fmt: skip
    archive = next(_FIXED.glob("*.tar.gz"))
    unpacked = _FIXED / "unpacked"
    unpacked.mkdir()
    session.runner.run(
        ["tar", "--extract", "--strip-components=1", "--directory", unpacked, "--file", archive]
    )
    return unpacked / "vendor/llama.cpp"


def requirement(text: str) -> str:
    """The line of llama-cpp-python, with its hashes, out of the runtime's requirements.

    Raises:
        BuildError: there is none.
    """
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith(f"{_PACKAGE}=="):
            return line + "\n"
    raise BuildError(f"{os.fspath(REQUIREMENTS)} does not name {_PACKAGE}")
