"""From a bare host into the tools tree: check, lock, bootstrap, enter."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from scripts.errors import BuildError, HostError
from scripts.host import bootstrap, enter
from scripts.host.cache import claim
from scripts.host.lock import hold
from scripts.host.machine import BUILDS, DISK_FULL, check_machine
from scripts.host.mirror import Mirror, find_mirror
from scripts.host.trust import Trust, read_trust

_CACHE = Path("/var/cache/sigmavault")
_PASSED = (
    "VARIANT",
    "IMAGE_MIRROR",
    "IMAGE_SECURITY_MIRROR",
    "SELECT",
    "PYTEST_ARGS",
    "SIGMAVAULT_ACCEL",
    "SUDO_UID",
    "SUDO_GID",
)


def launch(source: Path, argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Run a verb of the orchestrator inside the tools tree; does not return.

    Raises:
        BuildError: the host cannot build, or the tools tree could not be made.
    """
    verb = argv[0] if argv else "help"
    cache = cache_folder(environ)
    check_machine(verb, source, cache)
    mirror = _mirror(environ)
    trust = read_trust(environ)
    claim(cache)
    (source / "build/log").mkdir(parents=True, exist_ok=True)
    _take_turn(verb, source, cache)
    tree = _tools_tree(source, cache, mirror, trust)
    command = _enter(tree, source, cache, mirror, trust, environ, _program(argv))
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606 - an argument list is the house rule


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache that `CACHE=` names, or the usual one."""
    return Path(environ.get("CACHE") or _CACHE).resolve()


def _take_turn(verb: str, source: Path, cache: Path) -> None:
    """Verbs that write wait for each other, in one checkout and in one cache; a shell waits for nobody."""
    purpose = f"`make {verb}` in {source}"
    if verb in BUILDS or verb == "render":
        hold(source / "build/.lock", purpose)
    if verb in BUILDS:
        hold(cache / "build.lock", purpose)


def _program(argv: Sequence[str]) -> list[str]:
    if argv and argv[0] == "shell":
        return ["bash", "--login"]
    return ["python3", "-m", "scripts.cli", *argv]


def _mirror(environ: Mapping[str, str]) -> Mirror:
    try:
        return find_mirror(environ.get("MIRROR", ""), environ.get("SECURITY_MIRROR", ""))
    except ValueError as error:
        raise HostError(str(error), "MIRROR=http://host/debian") from None


def _tools_tree(source: Path, cache: Path, mirror: Mirror, trust: Trust) -> Path:
    final = bootstrap.tree_path(cache)
    if final.is_dir():
        return final
    lock = hold(cache / "tools.lock", f"the tools tree, made from {source},")
    try:
        return final if final.is_dir() else _make_tools_tree(source, cache, mirror, trust)
    finally:
        os.close(lock)


def _make_tools_tree(source: Path, cache: Path, mirror: Mirror, trust: Trust) -> Path:
    log = source / "build/log/tools.log"
    log.unlink(missing_ok=True)
    begun = time.monotonic()
    sys.stdout.write("Tools tree (Debian 13, about two minutes) …\n")
    sys.stdout.flush()
    try:
        partial = bootstrap.make_tree(cache, mirror, log)
        _pip(partial, source, cache, mirror, trust, log)
    except BuildError:
        tail = log.read_text(errors="replace").splitlines()[-12:] if log.is_file() else []
        sys.stderr.write("".join(f"  | {line[:300]}\n" for line in tail) + f"the whole output: {log}\n")
        if any(os.strerror(errno.ENOSPC) in line for line in tail):
            raise HostError(f"the disk of {cache} is full", DISK_FULL) from None
        raise
    sys.stdout.write(f"✓ Tools tree  {time.monotonic() - begun:.0f} s\n")
    return bootstrap.finish(cache, partial)


def _pip(tree: Path, source: Path, cache: Path, mirror: Mirror, trust: Trust, log: Path) -> None:
    """What Debian 13 does not have, pinned by hash."""
    argv = ["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--break-system-packages",
            "--no-cache-dir", "--root-user-action=ignore", "--requirement",
            os.fspath(enter.SOURCE / bootstrap.REQUIREMENTS.relative_to(source))]  # fmt: skip
    command = _enter(tree, source, cache, mirror, trust, {}, argv)
    if bootstrap.run_logged(command, log) != 0:
        raise BuildError("pip could not install the tools that Debian lacks",
                         "is the Python package index reachable?")  # fmt: skip


def _enter(
    tree: Path, source: Path, cache: Path, mirror: Mirror, trust: Trust,
    environ: Mapping[str, str], argv: Sequence[str],
) -> list[str]:  # fmt: skip
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SIGMAVAULT_MIRROR": mirror.main,
        "SIGMAVAULT_SECURITY_MIRROR": mirror.security,
        "SIGMAVAULT_HOST_SOURCE": os.fspath(source),
        **trust.env,
        **{name: environ[name] for name in _PASSED if name in environ},
    }
    binds = {source: enter.SOURCE, cache: enter.CACHE}
    return enter.command(tree, argv, binds=binds, readonly=trust.files, env=env)
