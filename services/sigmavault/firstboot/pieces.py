"""The pieces: each is made whole or not at all, and never again once it is whole.

Commands, of which there are no others:

    ssh-keygen -q -t TYPE -N '' -C '' -f FILE          (ssh-keygen(1))
    ssh-keygen -y -P '' -f FILE
    openssl req -x509 -newkey ec … -keyout FILE -out FILE          (openssl-req(1ssl))
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Final

from sigmavault.core.errors import CommandError, CommandMissingError
from sigmavault.system.files import make_folder, read_or_empty, sync_folder, write_durably
from sigmavault.system.run import run

HOST_ID: Final = Path("etc/hostid")
SSH: Final = Path("etc/ssh")
KEY_TYPES: Final = ("ed25519", "ecdsa")
"""Those that sshd is configured for: making an RSA key costs seconds of the first boot."""
TLS: Final = Path("etc/sigmavault/tls")
API_SECRET: Final = Path("etc/sigmavault/secrets/api")

_HOST_ID_BYTES: Final = 4
_MAKE_S: Final = 60.0
_DAYS: Final = "3650"
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o644


def host_id(root: Path) -> bool:
    """Four random bytes by which ZFS tells machines apart (spl(4), spl_hostid_path); whether they were made.

    Raises:
        OSError: they cannot be written.
    """
    file = root / HOST_ID
    if _is_host_id(file):
        return False
    made = bytes(_HOST_ID_BYTES)
    while not any(made):  # all zero means: there is none
        made = secrets.token_bytes(_HOST_ID_BYTES)
    fresh = file.with_name(".hostid.new")
    fresh.write_bytes(made)
    _publish(fresh, file, _PUBLIC)
    return True


def _is_host_id(file: Path) -> bool:
    try:
        found = file.read_bytes()
    except OSError:
        return False
    return len(found) == _HOST_ID_BYTES and any(found)


def ssh_keys(root: Path) -> bool:
    """A host key of each type; whether one was made. Without OpenSSH there is nobody to have one.

    Raises:
        CommandError: ssh-keygen failed.
        OSError: a key cannot be put into its place.
    """
    try:
        made = [_ssh_key(root / SSH, kind) for kind in KEY_TYPES]
    except CommandMissingError:
        return False
    return any(made)


def _ssh_key(folder: Path, kind: str) -> bool:
    file = folder / f"ssh_host_{kind}_key"
    if _is_ssh_key(file):
        return False
    workshop = folder / f".{file.name}.new"
    shutil.rmtree(workshop, ignore_errors=True)  # of a boot that was cut off
    make_folder(folder)
    workshop.mkdir(mode=0o700)
    fresh = workshop / file.name
    run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", os.fspath(fresh)], timeout_s=_MAKE_S)
    # the public half first: a private key is whole, and then the other is as well
    _publish(fresh.with_suffix(".pub"), file.with_suffix(".pub"), _PUBLIC)
    _publish(fresh, file, _PRIVATE)
    shutil.rmtree(workshop)
    return True


def _is_ssh_key(file: Path) -> bool:
    """Whether sshd could use it: one that it cannot read was never shown to anybody."""
    if not file.is_file() or not read_or_empty(file):
        return False
    try:
        run(["ssh-keygen", "-y", "-P", "", "-f", os.fspath(file)], timeout_s=_MAKE_S)
    except CommandError:
        return False
    return file.with_suffix(".pub").is_file()


def certificate(root: Path, name: str) -> bool:
    """A TLS key with a certificate that it signs itself, for the name of this machine; whether it was made.

    Args:
        root: where the file system begins.
        name: what the machine is called now.

    Raises:
        CommandError: openssl failed.
        OSError: it cannot be put into its place.
    """
    place = root / TLS
    if (place / "key.pem").is_file() and (place / "certificate.pem").is_file():
        return False
    workshop = place.with_name(".tls.new")
    shutil.rmtree(workshop, ignore_errors=True)
    make_folder(place.parent)
    workshop.mkdir(mode=0o700)
    key, made = workshop / "key.pem", workshop / "certificate.pem"
    run(_certificate_argv(name, key, made), timeout_s=_MAKE_S)
    for file, mode in ((key, _PRIVATE), (made, _PUBLIC)):
        _sync(file, mode)
    workshop.chmod(0o755)
    sync_folder(workshop)
    shutil.rmtree(place, ignore_errors=True)  # half of one: never used
    workshop.rename(place)
    sync_folder(place.parent)
    return True


def _certificate_argv(name: str, key: Path, made: Path) -> list[str]:
    names = ",".join(f"DNS:{each}" for each in (name, f"{name}.local", "localhost"))
    return [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
        "-sha256", "-days", _DAYS, "-subj", f"/CN={name}",
        "-addext", f"subjectAltName={names},IP:127.0.0.1,IP:::1",
        "-addext", "extendedKeyUsage=serverAuth", "-keyout", os.fspath(key), "-out", os.fspath(made),
    ]  # fmt: skip


def api_secret(root: Path) -> bool:
    """The secret that signs tokens of the API; whether it was made.

    Raises:
        OSError: it cannot be written.
    """
    file = root / API_SECRET
    if read_or_empty(file).strip():
        return False
    make_folder(file.parent.parent)
    with contextlib.suppress(FileExistsError):
        file.parent.mkdir(mode=0o700)
    write_durably(file, f"{secrets.token_urlsafe(48)}\n", _PRIVATE)
    return True


def host_name(root: Path) -> str:
    """What the machine is called; the kernel's word where no file says it."""
    text = read_or_empty(root / "etc/hostname").strip() or socket.gethostname()
    return text if text and all(each.isalnum() or each in "-." for each in text) else "localhost"


def _publish(fresh: Path, file: Path, mode: int) -> None:
    """Give a file that is on the disk its name."""
    _sync(fresh, mode)
    fresh.replace(file)
    sync_folder(file.parent)


def _sync(file: Path, mode: int) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
