"""Runs builds and takes their time, on the building machine."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from scripts.bench.bars import Figures
from scripts.bench.steps import image_part, parse_steps, until_image
from scripts.errors import BuildError
from scripts.process import Argument, CommandError, Runner

_IGNORED = ("build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
_TOUCHED = {
    "services": "services/sigmavault/cli/status.py",
    "overlay": "overlay/etc/motd",
    "roles": "roles/base/tasks/main.yml",
}
"""A file of each folder in which a line of comment is harmless."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """A copy of the checkout, in which builds are timed.

    Attributes:
        checkout: the copy.
        cache: what the builds use as cache.
        runner: runs them; its environment is theirs.
        say: shows a line to the person who waits.
    """

    checkout: Path
    cache: Path
    runner: Runner
    say: Callable[[str], None]
    _lines: list[str] = field(default_factory=list)

    def build(self, title: str, *argv: Argument) -> tuple[float, list[str]]:
        """Run a command in the copy; seconds it took and the lines it printed.

        Raises:
            CommandError: it failed, so there is no time to tell.
        """
        self._lines = []
        self.runner.on_line = self._lines.append
        self.say(f"{title} …")
        begun = time.monotonic()
        self.runner.run(argv, cwd=self.checkout, env={"CACHE": str(self.cache)})
        seconds = time.monotonic() - begun
        self.say(f"{title}  {seconds:.1f} s")
        return seconds, self._lines

    def verb(self, title: str, *words: str) -> tuple[float, list[str]]:
        """Time a verb of the orchestrator, as make runs it."""
        return self.build(title, sys.executable, "-B", "-m", "scripts", *words)


@contextmanager
def scratch(source: Path, beside: Path) -> Iterator[tuple[Path, Path]]:
    """A copy of the checkout and an empty cache folder next to the usual cache; removed in the end."""
    beside.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="sigmavault-bench-", dir=beside))
    try:
        checkout = folder / "checkout"
        shutil.copytree(source, checkout, symlinks=True, ignore=shutil.ignore_patterns(*_IGNORED))
        yield checkout, folder / "cache"
    finally:
        shutil.rmtree(folder)


def measure_cold(bench: Bench, figures: Figures) -> None:
    """`make iso` with an empty cache.

    Raises:
        BuildError: the cache is not empty, which would make the figure a lie.
    """
    _require_empty(bench.cache)
    figures.cold, lines = bench.verb("cold `make iso`", "iso")
    figures.steps = parse_steps(lines)
    figures.image_part = image_part(figures.steps)


def _require_empty(cache: Path) -> None:
    if cache.exists() and any(cache.iterdir()):
        raise BuildError(f"{cache} is not empty")


def measure_warm(bench: Bench, figures: Figures) -> None:
    """`make iso` unchanged, and after a change of one file in each folder."""
    bench.verb("`make iso`, so that nothing is left to do", "iso")
    figures.unchanged, lines = bench.verb("`make iso` with nothing changed", "iso")
    if any(parse_steps(lines).values()):
        raise BuildError("a build with nothing changed did something", "does somebody edit the checkout?")
    figures.iso_bytes = _iso_size(bench.checkout)
    for folder, name in _TOUCHED.items():
        with (bench.checkout / name).open("a", encoding="utf-8") as file:
            file.write("# bench\n")
        seconds, lines = bench.verb(f"`make iso` after a change in {name}", "iso")
        if not parse_steps(lines).get("ISO image (live-build)"):
            raise BuildError(f"a change in {name} built no image", "its figure would say nothing")
        figures.changed[folder] = seconds


def measure_peer(bench: Bench, figures: Figures) -> None:
    """A plain `lb build` of the same packages, in the same tools tree."""
    bench.verb("plain `lb build` (about a quarter of an hour)", "bench-build")
    answer = json.loads((bench.checkout / "build/peer.json").read_text(encoding="utf-8"))
    figures.peer = float(answer["seconds"])


def measure_ci_cold(bench: Bench, figures: Figures) -> None:
    """`.ci/run` with an empty cache; the steps of its `make iso` are the cold build as well.

    Raises:
        BuildError: the cache is not empty, which would make the figures a lie.
    """
    _require_empty(bench.cache)
    figures.ci_cold, lines = bench.build("cold `.ci/run`", bench.checkout / ".ci/run")
    figures.steps = until_image(parse_steps(lines))
    figures.cold = sum(figures.steps.values())
    figures.image_part = image_part(figures.steps)


def measure_ci_warm(bench: Bench, figures: Figures) -> None:
    """`.ci/run` again, with what the first one left in the cache."""
    figures.ci_warm, _lines = bench.build("warm `.ci/run`", bench.checkout / ".ci/run")


def commit_of(source: Path, runner: Runner) -> str:
    """The commit of a checkout, with a `+` when it has changes; empty outside git."""
    git = ["git", "-c", f"safe.directory={source}"]
    try:
        commit = runner.output([*git, "rev-parse", "--short=12", "HEAD"], cwd=source).strip()
        changes = runner.output([*git, "status", "--porcelain", "--untracked-files=no"], cwd=source)
    except CommandError:
        return ""
    return commit + ("+" if changes.strip() else "")


def _iso_size(checkout: Path) -> int:
    found = sorted((checkout / "build/out").glob("*-desktop.iso"))
    if len(found) != 1:
        raise BuildError("there is not one desktop ISO in build/out", "VARIANT must not be set here")
    return found[0].stat().st_size


def read_json(path: Path) -> Mapping[str, object]:
    """A JSON object; empty where there is none yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
