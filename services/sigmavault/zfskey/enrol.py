"""Have a key enrolled in the firmware; made first when the folder has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sigmavault.core.errors import ModuleSigningError
from sigmavault.core.module_signing import Enrolment
from sigmavault.system.mok import read_enrolment, request_enrolment
from sigmavault.zfskey.keys import make_new_pair, read_pair

FIRMWARE = Path("/sys/firmware/efi")

_ASK = (
    "mokutil now asks, twice, for a password. It is needed once, at the next start; think of one that"
    " can be typed on an American keyboard."
)
_OPEN_KEY = (
    "This file system keeps no permissions: whoever gets hold of the key can sign modules for this machine."
    " Keep the stick as you keep a key."
)
_NEXT = """Next:
  1. sudo systemctl reboot
  2. On the blue screen press any key within ten seconds, then choose "Enroll MOK", "Continue", "Yes",
     give that password, and "Reboot".
  3. sudo sigmavault secure-boot load {folder}"""


def enrol(folder: Path, say: Callable[[str], None], *, firmware: Path = FIRMWARE) -> None:
    """Make what is missing and ask for the enrolment; `say` gets what a person has to know, by paragraph.

    Raises:
        ModuleSigningError: the machine has no such firmware, or the folder does not do.
        CommandError: openssl or mokutil failed.
        OSError: the folder cannot be written to.
    """
    if not firmware.is_dir():
        raise ModuleSigningError("this machine was not started by UEFI: there is no Secure Boot, and no need")
    pair = read_pair(folder)
    if pair is None:
        pair = make_new_pair(folder)
        say(f"Made a key in {folder}: {pair.key.name} (keep it secret) and {pair.certificate.name}.")
        if not pair.is_private():
            say(_OPEN_KEY)
    say(f"The firmware will show it as {pair.name}.")
    match read_enrolment(pair.certificate):
        case Enrolment.ENROLLED:
            say(f"It is enrolled already. Next:\n  sudo sigmavault secure-boot load {folder}")
            return
        case Enrolment.REQUESTED:
            say("It is asked for already, with the password given then.")
        case Enrolment.UNKNOWN:
            say(_ASK)
            request_enrolment(pair.certificate)
            # mokutil ends well also where it did nothing.
            if read_enrolment(pair.certificate) is Enrolment.UNKNOWN:
                raise ModuleSigningError("mokutil did not leave a request for the key in the firmware")
    say(_NEXT.format(folder=folder))
