"""Sign the shipped ZFS modules with a person's key and load them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sigmavault.core.errors import KeyNotEnrolledError, ModuleSigningError
from sigmavault.core.module_signing import MODULES, Enrolment
from sigmavault.system.kernel_modules import find_modules, find_signer, load_module, sign_module
from sigmavault.system.mok import read_enrolment
from sigmavault.system.run import run
from sigmavault.zfskey.keys import Pair, read_pair

WAITING = ("zfs-load-module.service", "zfs-zed.service", "sigmavault-zfs-check.service")
"""Units that looked for the module at boot; the last one takes the notice off the console."""

TIMEOUT_S = 60.0


def load(folder: Path, say: Callable[[str], None]) -> None:
    """Sign and load; `say` gets what a person has to know, by paragraph.

    Raises:
        KeyNotEnrolledError: the modules are signed, and the firmware does not know the key yet.
        ModuleSigningError: no key, no modules, or no signer.
        CommandError: a program failed.
        OSError: a file cannot be read or written.
    """
    pair = read_pair(folder)
    if pair is None:
        raise ModuleSigningError(
            f"there is no key in {folder}", hint=f"sudo sigmavault secure-boot enrol {folder}"
        )
    changed = sign_modules(Path("/"), os.uname().release, pair)
    say(f"Signed as {pair.name}: {', '.join(changed)}." if changed else f"Already signed as {pair.name}.")
    try:
        load_module(MODULES[-1])
    except KeyNotEnrolledError as error:
        raise KeyNotEnrolledError(error.message, hint=_way_out(pair)) from error
    # Not all of them are on every Debian; what is missing is no failure of ours.
    run(["systemctl", "restart", *WAITING], timeout_s=TIMEOUT_S, check=False)
    say("ZFS is loaded. `sudo zpool import` lists the pools that can be imported.")


def sign_modules(root: Path, kernel: str, pair: Pair) -> list[str]:
    """Sign the modules of a kernel below `root`; names of the files that this changed.

    Raises:
        ModuleSigningError: a module or the signer is not there.
        CommandError: the signer failed.
        OSError: a file cannot be read or written.
    """
    signer = find_signer(root, kernel)
    files: list[Path] = []
    for name in MODULES:
        found = find_modules(root, kernel, name)
        if not found:
            raise ModuleSigningError(
                f"there is no module {name} for kernel {kernel}", hint="sudo dkms autoinstall"
            )
        files += found
    return [path.name for path in files if sign_module(path, signer, pair.key, pair.certificate)]


def _way_out(pair: Pair) -> str:
    match read_enrolment(pair.certificate):
        case Enrolment.REQUESTED:
            return 'restart and choose "Enroll MOK" on the blue screen; it waits ten seconds for a key press'
        case Enrolment.UNKNOWN:
            return f"sudo sigmavault secure-boot enrol {pair.key.parent}"
        case Enrolment.ENROLLED:
            return "the key is enrolled, but this kernel does not use it: restart once more"
