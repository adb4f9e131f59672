"""The truth about the shares, and the one way in which the files of Samba and NFS follow from it.

`publish` is for operations, `refresh` for what happens without one: a dataset is mounted, a pool is gone.
Both hold the same lock, look at the whole, ask Samba before anything is swapped, and put the last good files
back when something does not load.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sigmavault.core.errors import CommandError, ConfigError, OperationError, SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing import announced, exports, smb_conf
from sigmavault.core.sharing.door import Door, doors
from sigmavault.core.sharing.place import Place, folder_path, place_of
from sigmavault.core.sharing.share import Shares, parse_shares
from sigmavault.system import mounts, nfs, samba
from sigmavault.system.files import make_folder, read_or_empty, write_durably

TRUTH: Final = "etc/sigmavault/shares.json"
LAST_GOOD: Final = ".last-good"
_ANNOUNCED: Final = announced.FILE.lstrip("/")
_LOCK: Final = "run/sigmavault/shares.lock"
_SETFACL_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What follows from the truth and the mounts of this moment.

    Attributes:
        places: where the shares are.
        samba: the file that smb.conf includes.
        exports: the file for the NFS server.
        announced: the file for Avahi; empty: there is none.
    """

    places: tuple[Place, ...]
    samba: str
    exports: str
    announced: str


def read(machine: Machine) -> Shares:
    """The shares as they were asked for; none when nobody asked for any.

    Raises:
        ConfigError: the file is damaged: nothing is served out of a guess.
    """
    try:
        text = (machine.root / TRUTH).read_text("utf-8")
    except FileNotFoundError:
        return Shares()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"/{TRUTH}: {error}") from error
    return parse_shares(text, f"/{TRUTH}")


def files(machine: Machine, shares: Shares) -> Files:
    """What follows from the shares right now."""
    places = locate(machine, shares)
    return Files(
        places=places,
        samba=smb_conf.render(places),
        exports=exports.render(places),
        announced=announced.render(places),
    )


def locate(machine: Machine, shares: Shares, mounted: Mapping[str, str] | None = None) -> tuple[Place, ...]:
    """Where the shares are; `mounted` (dataset → path) is read from the kernel when it is not given."""
    mounted = mounts.datasets(machine) if mounted is None else mounted
    faults: dict[str, str] = {}
    for share in shares.shares:
        if share.folder and (mountpoint := mounted.get(share.dataset)):
            path = folder_path(mountpoint, share.folder)
            faults[path] = folder_fault(machine.root, mountpoint, share.folder)
    return tuple(place_of(each, mounted, faults) for each in shares.shares)


def folder_fault(root: Path, mountpoint: str, folder: str) -> str:
    """Why a folder inside a dataset must not be served, in words; empty when it may.

    Each step down must be a real folder of the same file system: a link could lead out of the dataset.
    """
    at = root / mountpoint.lstrip("/")
    try:
        device = at.stat().st_dev
        for part in folder.split("/"):
            at = at / part
            seen = at.lstat()
            if not stat.S_ISDIR(seen.st_mode):
                return f"{part} in {folder} is no folder"
            if seen.st_dev != device:
                return f"{part} in {folder} is another dataset: share that one"
    except OSError as error:
        return (
            f"the folder {folder} is not there"
            if error.errno == errno.ENOENT
            else f"{folder}: {error.strerror}"
        )
    return ""


def check(machine: Machine, made: Files) -> str:
    """Everything that can be known before anything is swapped; Samba's own reading of its file.

    Raises:
        OperationError: somebody else exports or shares the same, or has written into our files.
        ConfigError: Samba does not accept it without a word.
    """
    if smb_conf.is_foreign(read_or_empty(machine.root / samba.SHARES)):
        raise OperationError(
            f"{smb_conf.INCLUDE} has shares that somebody wrote by hand, which would be lost",
            hint="move them to the end of /etc/samba/smb.conf, or remove them",
        )
    if told := exports.conflicts(made.places, nfs.others(machine)):
        raise OperationError(told[0], hint=f"only {exports.FILE} may export what is shared")
    return samba.check(machine, made.samba)


def publish(
    machine: Machine, shares: Shares, *, changed: Iterable[str] = (), left: Iterable[str] = ()
) -> Files:
    """Make these the shares of the machine.

    Args:
        machine: where.
        shares: all of them.
        changed: names of shares whose rights may have become fewer.
        left: folders that were shared until now.

    Raises:
        SigmaVaultError: nothing was changed, or it was put back as it was.
    """
    with held(machine):
        before = read(machine)
        made = files(machine, shares)
        check(machine, made)
        open_doors(machine, made.places, left)
        _write(machine, TRUTH, shares.model_dump_json(indent=1) + "\n", 0o600)
        try:
            _swap(machine, made, {each.lower() for each in changed})
        except SigmaVaultError:
            _write(machine, TRUTH, before.model_dump_json(indent=1) + "\n", 0o600)
            raise
    return made


def withdraw(machine: Machine, principal: str) -> None:
    """Take all rights of a user (`anna`) or a group (`@family`) away.

    Raises:
        SigmaVaultError: nothing was changed, or it was put back as it was.
    """
    now = read(machine)
    if naming := now.naming(principal):
        publish(machine, now.without_principal(principal), changed=[each.name for each in naming])


def refresh(machine: Machine, *, is_early: bool = False) -> Files | None:
    """Let the files follow what is mounted now; returns the new ones, None when nothing had to change.

    Args:
        machine: where.
        is_early: Samba and the NFS server have not started yet: nobody is told, and nobody is asked. The
            shares were accepted when they were made; only which of them are available may be different.

    Raises:
        SigmaVaultError: the truth is damaged, or Samba or NFS do not take it.
    """
    with held(machine):
        shares = read(machine)
        if not shares.shares and not (machine.root / TRUTH).exists():
            return None  # nobody has ever shared anything: the files are not ours yet
        made = files(machine, shares)
        close_mountpoints(machine, made.places)
        if is_as_made(machine, made):
            return None
        if is_early:
            if _differ(read_or_empty(machine.root / nfs.EXPORTS), made.exports):
                _write(machine, nfs.EXPORTS, made.exports, 0o644)
            _write(machine, samba.SHARES, made.samba, 0o644)
            _announce(machine, made.announced)
            return made
        check(machine, made)
        _swap(machine, made, may_start=False)
        return made


def is_current(machine: Machine, shares: Shares) -> bool:
    """Whether the files are those that follow from the shares right now."""
    return is_as_made(machine, files(machine, shares))


def is_as_made(machine: Machine, made: Files) -> bool:
    """Whether the files on the disk are these."""
    old_samba, old_exports = _current(machine)
    is_announced = made.announced == read_or_empty(machine.root / _ANNOUNCED)
    return made.samba == old_samba and not _differ(old_exports, made.exports) and is_announced


def _differ(old: str, new: str) -> bool:
    """Whether exports have to be written: none at all need no file."""
    return old != new and bool(old or exports.parse(new))


def _current(machine: Machine) -> tuple[str, str]:
    return read_or_empty(machine.root / samba.SHARES), read_or_empty(machine.root / nfs.EXPORTS)


def _swap(machine: Machine, made: Files, changed: Iterable[str] = (), *, may_start: bool = True) -> None:
    """Put the files in their places and load them, or put the old ones back."""
    old_samba, old_exports = _current(machine)
    try:
        if _differ(old_exports, made.exports):
            _replace(machine, nfs.EXPORTS, made.exports)
            nfs.load(machine, made.exports, may_start=may_start)
        if made.samba != old_samba:
            _replace(machine, samba.SHARES, made.samba)
            samba.load(machine, may_start=may_start)
        _announce(machine, made.announced)
    except SigmaVaultError:
        _put_back(machine, old_samba, old_exports)
        raise
    is_there = {each.share.name.lower() for each in made.places if each.share.smb and not each.smb_reason}
    gone = [each for each in smb_conf.sections(old_samba) if each.lower() not in is_there]
    samba.hang_up(machine, gone, sorted(is_there & set(changed)))


def _put_back(machine: Machine, old_samba: str, old_exports: str) -> None:
    """The failure that led here is told; one of putting back only if there is nothing else to tell."""
    with contextlib.suppress(SigmaVaultError):
        if old_exports != read_or_empty(machine.root / nfs.EXPORTS):
            _write(machine, nfs.EXPORTS, old_exports, 0o644)
            nfs.load(machine, old_exports, may_start=False)
    with contextlib.suppress(SigmaVaultError):
        if old_samba != read_or_empty(machine.root / samba.SHARES):
            _write(machine, samba.SHARES, old_samba, 0o644)
            samba.load(machine, may_start=False)


def _announce(machine: Machine, text: str) -> None:
    """Avahi sees by itself that its file is another, or gone."""
    if text == read_or_empty(machine.root / _ANNOUNCED):
        return
    if text:
        _write(machine, _ANNOUNCED, text, 0o644)
        return
    try:
        (machine.root / _ANNOUNCED).unlink()
    except OSError as error:
        raise OperationError(f"/{_ANNOUNCED} cannot be removed: {error.strerror}") from error


def _replace(machine: Machine, name: str, text: str) -> None:
    """Keep what was there and loaded, then swap."""
    if old := read_or_empty(machine.root / name):
        _write(machine, f"{name}{LAST_GOOD}", old, 0o644)
    _write(machine, name, text, 0o644)


def _write(machine: Machine, name: str, text: str, mode: int) -> None:
    file = machine.root / name
    try:
        make_folder(file.parent)
        write_durably(file, text, mode)
    except OSError as error:
        raise OperationError(f"/{name} cannot be written: {error.strerror}") from error


def open_doors(machine: Machine, places: Sequence[Place], left: Iterable[str] = ()) -> None:
    """Set the ACL of each shared folder that is there.

    Raises:
        OperationError: the file system has no ACLs, or the folder is none any more.
    """
    by_path = {each.path: each for each in places if each.path}
    for door in doors(places, left):
        place = by_path.get(door.path)
        mountpoint = place.mountpoint if place is not None else ""
        with _safe_path(machine.root, door.path, mountpoint) as path:
            _set_acl(machine, door, path)
    close_mountpoints(machine, places)


def _set_acl(machine: Machine, door: Door, path: str) -> None:
    try:
        machine.run((*door.argv[:-1], path), timeout_s=_SETFACL_S)
    except CommandError as error:
        if "not supported" in error.stderr:
            raise OperationError(
                f"{door.path} is on a file system without ACLs", hint="zfs set acltype=posix xattr=sa DATASET"
            ) from error
        raise


@contextlib.contextmanager
def _safe_path(root: Path, path: str, mountpoint: str) -> Iterator[str]:
    """A path that nobody can turn into a link while a program works on it: through a descriptor of ours.

    The mount point itself cannot be moved by anybody but root.
    """
    if not mountpoint or path == mountpoint:
        yield path
        return
    at = os.open(root / mountpoint.lstrip("/"), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in path.removeprefix(f"{mountpoint}/").split("/"):
            below = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        yield f"/proc/{os.getpid()}/fd/{at}"
    except OSError as error:
        raise OperationError(f"{path} is no folder any more: {error.strerror}") from error
    finally:
        os.close(at)


def close_mountpoints(machine: Machine, places: Iterable[Place]) -> None:
    """Where a dataset of a share is mounted, nobody gets in once it is not (`mounts.close_covered`).

    It is the second line: what the kernel does not let us do here is no reason to stop serving.
    """
    for mountpoint in {each.mountpoint for each in places if each.is_available}:
        with contextlib.suppress(OSError):
            mounts.close_covered(machine.root / mountpoint.lstrip("/"))


@contextlib.contextmanager
def held(machine: Machine) -> Iterator[None]:
    """One process at a time makes files: hostd, and the unit that runs before Samba starts."""
    file = machine.root / _LOCK
    make_folder(file.parent)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
