"""`share.check`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.system import mounts, samba, shares
from sigmavault.system.files import read_or_empty


class Finding(Value):
    """Something that is not as it should be.

    Attributes:
        share: which share; empty when it concerns all of them.
        text: what it is, as a sentence.
        hint: what to do; empty where there is nothing.
    """

    share: str
    text: str
    hint: str


class Findings(Value):
    """What was found; nothing when all is well."""

    findings: tuple[Finding, ...]


class CheckShares(Read[NoArguments, Findings]):
    """Whether what is served is what was asked for."""

    name = "share.check"
    summary = "Check that what is served is what was asked for"
    examples = ("share check",)
    private = True

    def read(self, arguments: NoArguments, machine: Machine) -> Findings:
        """Compare the truth, the mounts, the files and what Samba says of them."""
        made = shares.files(machine, shares.read(machine))
        return Findings(findings=(*_of_all(machine, made), *_of_each(machine, made)))


def _of_all(machine: Machine, made: shares.Files) -> Iterator[Finding]:
    try:
        shares.check(machine, made)
    except SigmaVaultError as error:
        yield Finding(share="", text=error.message, hint=error.hint)
    if made.places and not shares.is_as_made(machine, made):
        yield Finding(
            share="", text="the files of Samba and NFS are not those that were made for what is shared",
            hint="the next change of a share, or of a mount, writes them anew",
        )  # fmt: skip
    if not made.places and read_or_empty(machine.root / samba.SHARES).count("["):
        yield Finding(share="", text=f"/{samba.SHARES} has shares that SigmaVault does not know", hint="")


def _of_each(machine: Machine, made: shares.Files) -> Iterator[Finding]:
    for place in made.places:
        name = place.share.name
        reasons = dict.fromkeys((
            place.smb_reason if place.share.smb is not None else "",
            place.nfs_reason if place.share.nfs is not None else "",
        ))  # fmt: skip
        for reason in filter(None, reasons):
            yield Finding(share=name, text=f"it is not available: {reason}", hint="")
        if place.mountpoint and not _is_closed(machine, place.mountpoint):
            yield Finding(
                share=name, text=f"without its dataset, the folder {place.mountpoint} would be open",
                hint="it is not empty, or not root's: look into it while the dataset is unmounted",
            )  # fmt: skip


def _is_closed(machine: Machine, mountpoint: str) -> bool:
    with contextlib.suppress(OSError):
        return mounts.is_covered_closed(machine.root / mountpoint.lstrip("/"))
    return True  # the kernel does not let us look; that is nothing we know
