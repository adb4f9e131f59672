"""The verbs of the orchestrator, inside the tools tree."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from scripts import verbs
from scripts.bench.ryzan.verb import bench_ryzan
from scripts.demo import demo
from scripts.epoch import source_date_epoch
from scripts.errors import BuildError, HostError, SpecError
from scripts.host.enter import CACHE, SOURCE
from scripts.host.machine import BUILDS, DISK_FULL
from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import CommandError, Runner
from scripts.progress import Progress
from scripts.prune import prune
from scripts.session import Session
from scripts.spec.model import Variant

Verb = Callable[[Session, argparse.Namespace], int]
_VERBS: dict[str, Verb] = {
    "iso": verbs.iso, "disk": verbs.disk, "render": verbs.render, "check": verbs.check,
    "test": verbs.test, "test-fast": verbs.test_fast, "test-desktop": verbs.test_desktop,
    "lint": verbs.lint, "vm": verbs.vm,
    "debs": verbs.debs, "demo": demo, "bench-build": verbs.bench_build,
    "bench-ryzan": bench_ryzan, "bench-host": verbs.bench_host,
    "bench-models": verbs.bench_models, "bench-governor": verbs.bench_governor, "compare": verbs.compare,
}  # fmt: skip


def parse(argv: list[str], variant: str) -> argparse.Namespace:
    """The verb, its variant (None: the target's own) and what it passes on.

    Raises:
        SpecError: the variant is none of image.yaml's.
    """
    parser = argparse.ArgumentParser(prog="make", description="Build and test SigmaVault images.")
    parser.add_argument("verb", choices=sorted(_VERBS))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on to pytest or the virtual machine")
    arguments = parser.parse_args(argv)
    arguments.rest = [item for item in arguments.rest if item != "--"]
    if variant and variant not in Variant:
        raise SpecError(f"VARIANT={variant}: no such variant (allowed: {', '.join(Variant)})")
    arguments.variant = variant or None
    return arguments


def main(argv: list[str]) -> int:
    """Run one verb; its exit code (docs/reference/exit-codes.md)."""
    log_path = SOURCE / "build/log/build.log"
    try:
        arguments = parse(argv, os.environ.get("VARIANT", ""))
        log_path = log_path.with_name(f"{arguments.verb}.log")
        log_path.parent.mkdir(parents=True, exist_ok=True)
        return _run(arguments, log_path)
    except BuildError as error:
        return _explain(error, log_path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _explain(HostError(f"the disk is full: {error}", DISK_FULL), log_path)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; nothing was left mounted, the next run goes on from the cache\n")
        return 130


def _run(arguments: argparse.Namespace, log_path: Path) -> int:
    paths = Paths(source=SOURCE, cache=CACHE, build=SOURCE / "build")
    progress = Progress()
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with log_path.open("w", encoding="utf-8") as log:
        runner = Runner(log=log, env=env, on_line=progress.watch)
        session = Session(
            paths=paths, progress=progress, runner=runner,
            mirror=Mirror(main=os.environ.get("SIGMAVAULT_MIRROR", ""),
                          security=os.environ.get("SIGMAVAULT_SECURITY_MIRROR", "")),
            epoch=source_date_epoch(runner, paths.source),
        )  # fmt: skip
        try:
            code = _VERBS[arguments.verb](session, arguments)
            if code == 0 and arguments.verb in BUILDS:
                for path in prune(paths.cache):
                    runner.note(f"no longer needed: {path}")
            return code
        finally:
            _give_back(runner, paths)


def _explain(error: BuildError, log_path: Path) -> int:
    tail = error.tail if isinstance(error, CommandError) else []
    sys.stderr.write("".join(f"  | {line}\n" for line in tail))
    sys.stderr.write(f"error: {error.message}\n")
    full = any(os.strerror(errno.ENOSPC) in line for line in tail)
    if hint := DISK_FULL if full else error.hint:
        sys.stderr.write(f"hint: {hint}\n")
    if tail:
        sys.stderr.write(f"the whole output: {log_path.relative_to(SOURCE)}\n")
    return error.exit_code


def _give_back(runner: Runner, paths: Paths) -> None:
    """Under sudo, the output belongs to the person who called."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if uid.isdigit() and gid.isdigit():
        runner.status(["chown", "-R", "--no-dereference", f"{uid}:{gid}", "--", paths.build])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
