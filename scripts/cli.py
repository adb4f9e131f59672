"""The verbs of the orchestrator, inside the tools tree."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts import verbs
from scripts.epoch import source_date_epoch
from scripts.errors import BuildError
from scripts.host.enter import CACHE, SOURCE
from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import CommandError, Runner
from scripts.progress import Progress
from scripts.session import Session

Verb = Callable[[Session, argparse.Namespace], int]
_VERBS: dict[str, Verb] = {
    "iso": verbs.iso, "disk": verbs.disk, "render": verbs.render, "check": verbs.check,
    "test": verbs.test, "test-fast": verbs.test_fast, "lint": verbs.lint, "vm": verbs.vm,
    "debs": verbs.debs, "bench-build": verbs.bench_build,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make", description="Build and test SigmaVault images.")
    parser.add_argument("verb", choices=sorted(_VERBS))
    parser.add_argument("--variant", choices=["desktop", "server"], default=os.environ.get("VARIANT") or None)
    parser.add_argument("rest", nargs="*", help="passed on to pytest or the virtual machine")
    return parser


def main(argv: list[str]) -> int:
    """Run one verb; its exit code (docs/reference/exit-codes.md)."""
    arguments = _parser().parse_args(argv)
    paths = Paths(source=SOURCE, cache=CACHE, build=SOURCE / "build")
    paths.logs.mkdir(parents=True, exist_ok=True)
    log_path = paths.logs / f"{arguments.verb}.log"
    progress = Progress()
    with log_path.open("w", encoding="utf-8") as log:
        session = Session(
            paths=paths, progress=progress,
            runner=Runner(log=log, env=_environment(), on_line=progress.watch),
            mirror=Mirror(main=os.environ.get("SIGMAVAULT_MIRROR", ""),
                          security=os.environ.get("SIGMAVAULT_SECURITY_MIRROR", "")),
            epoch=source_date_epoch(paths.source),
        )  # fmt: skip
        try:
            return _VERBS[arguments.verb](session, arguments)
        except BuildError as error:
            return _explain(error, log_path)
        except KeyboardInterrupt:
            sys.stderr.write("\ninterrupted; nothing was left mounted, the next run goes on from the cache\n")
            return 130
        finally:
            _give_back(paths)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def _explain(error: BuildError, log_path: Path) -> int:
    if isinstance(error, CommandError):
        sys.stderr.write("".join(f"  | {line}\n" for line in error.tail))
    sys.stderr.write(f"error: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"hint: {error.hint}\n")
    if isinstance(error, CommandError):
        sys.stderr.write(f"the whole output: {log_path.relative_to(SOURCE)}\n")
    return error.exit_code


def _give_back(paths: Paths) -> None:
    """Under sudo, the output belongs to the person who called."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if uid and gid and uid.isdigit() and gid.isdigit():
        subprocess.run(["chown", "-R", "--no-dereference", f"{uid}:{gid}", "--", paths.build], check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
