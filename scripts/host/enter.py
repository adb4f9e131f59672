"""Run a program inside the tools tree, as in a root file system of its own.

The program gets its own mount and PID namespaces. The tree becomes the real mount root
(pivot_root(2)): mkosi's sandbox fails in a plain chroot, where `/` is no mount point. When the
program ends, however it ends, the kernel takes every process and every mount of the namespaces with
it: nothing is left on the host.

This file is also a program: `python3 enter.py DESCRIPTOR`. It makes the namespaces itself, because
unshare(1) holds SIGTERM back, and a build that is told to end has to end. What to do comes as JSON in a
file in memory: the environment may hold the password of a proxy, and arguments are for all to read.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

SOURCE = Path("/src")
"""The checkout, inside the tools tree: a fixed path, so that no build path differs between machines."""
CACHE = Path("/cache")
"""The cache, inside the tools tree."""
FIRST_OF_OURS = 64
"""Descriptors that programs inherit on purpose begin here."""

# Of <linux/sched.h> and <linux/prctl.h>; os.unshare() is younger than the oldest Python here.
_NEW_MOUNTS, _NEW_PROCESSES = 0x00020000, 0x20000000
_DIE_WITH_PARENT = 1
_FORWARDED = (signal.SIGTERM, signal.SIGHUP)


def command(
    tree: Path, argv: Sequence[str], *, binds: Mapping[Path, Path], readonly: Mapping[Path, Path],
    env: Mapping[str, str], cwd: Path = SOURCE,
) -> list[str]:  # fmt: skip
    """The argument list that runs `argv` inside `tree`.

    It names an inherited file descriptor: run it by exec, or as a child with `close_fds=False`.

    Args:
        tree: root of the tools tree on the host.
        argv: program and arguments.
        binds: folder on the host → path inside, writable.
        readonly: file or folder on the host → path inside, read-only.
        env: the whole environment of the program.
        cwd: working folder, inside the tree.
    """
    request = {
        "tree": os.fspath(tree),
        "argv": list(argv),
        "binds": {os.fspath(k): os.fspath(v) for k, v in binds.items()},
        "readonly": {os.fspath(k): os.fspath(v) for k, v in readonly.items()},
        "env": dict(env),
        "cwd": os.fspath(cwd),
    }
    return [sys.executable, os.fspath(Path(__file__).resolve()), str(_keep(json.dumps(request)))]


def _keep(text: str) -> int:
    """An inheritable descriptor of a file in memory that holds `text`."""
    descriptor = move_up(os.memfd_create("sigmavault-enter"))
    with os.fdopen(os.dup(descriptor), "w") as stream:
        stream.write(text)
    return descriptor


def move_up(descriptor: int) -> int:
    """The same file under an inheritable descriptor that is out of the way of programs.

    mmdebstrap tells a shell to write to the first descriptor that is free, and dash reads `>&11` as a
    mistake: it takes one digit.
    """
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, FIRST_OF_OURS)
    os.close(descriptor)
    return moved


def read_request(descriptor: int) -> dict[str, Any]:
    """What `command` has put behind a descriptor."""
    request: dict[str, Any] = json.loads(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
    return request


def _mount(*args: str | os.PathLike[str]) -> None:
    subprocess.run(["mount", *args], check=True, stdin=subprocess.DEVNULL)


def _bind(source: Path, target: Path, *, readonly: bool) -> None:
    if target.is_symlink():  # it would lead out of the tree, on the host
        target.unlink()
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount("--bind", source, target)
    if readonly:
        _mount("-o", "remount,bind,ro", target)


def _prepare(tree: Path, request: Mapping[str, Mapping[str, str]]) -> None:
    """Mount the tree on itself, the kernel's file systems and the binds below it."""
    _mount("--bind", tree, tree)
    _mount("-t", "proc", "proc", tree / "proc")
    for name in ("sys", "dev"):
        _mount("--rbind", f"/{name}", tree / name)
    for name in ("run", "tmp"):
        _mount("-t", "tmpfs", "-o", "mode=1777" if name == "tmp" else "mode=755", "tmpfs", tree / name)
    (tree / "run/lock").mkdir()
    for key in ("binds", "readonly"):
        for source, target in request[key].items():
            _bind(Path(source), tree / Path(target).relative_to("/"), readonly=key == "readonly")


def _pivot(tree: Path) -> None:
    old = tree / "run/old-root"
    old.mkdir()
    os.chdir(tree)
    subprocess.run(["pivot_root", ".", "run/old-root"], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/run/old-root"], check=True)
    Path("/run/old-root").rmdir()


def _end_with(child: int) -> NoReturn:
    """Pass signals on to `child`, reap orphans, and end as it ends."""

    def forward(number: int, _frame: object) -> None:
        os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    # Ctrl-C reaches the whole foreground process group by itself: forwarding would double it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _isolate() -> None:
    """Go on as process 1 of new mount and PID namespaces, which end with the process that called.

    Signals to be forwarded are held back until there is a program to forward them to: process 1 would
    lose them.

    Raises:
        OSError: not root, or the kernel gives no namespaces.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS | _NEW_PROCESSES) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no new namespaces: {os.strerror(number)}")
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    if child := os.fork():
        _end_with(child)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    _mount("--make-rprivate", "/")


def _main(descriptor: int) -> NoReturn:
    request = read_request(descriptor)
    os.close(descriptor)
    _isolate()
    _prepare(Path(request["tree"]), request)
    _pivot(Path(request["tree"]))
    if child := os.fork():
        _end_with(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    os.chdir(request["cwd"])
    argv = request["argv"]
    os.execvpe(argv[0], argv, request["env"])  # noqa: S606 - an argument list is the house rule


if __name__ == "__main__":
    _main(int(sys.argv[1]))
