"""Why the ZFS module is not loaded, in words, with the way out. Facts in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ZfsState(StrEnum):
    """What is the matter with the ZFS module."""

    LOADED = "loaded"
    SECURE_BOOT = "secure-boot"
    """The kernel only takes modules signed with a key the firmware knows."""
    NOT_BUILT = "not-built"
    """There is no module for the running kernel."""
    NOT_LOADED = "not-loaded"
    """It is there and could be loaded, but is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZfsFacts:
    """What can be seen of the module.

    Attributes:
        loaded: the kernel has it.
        built: there is a file for the running kernel.
        secure_boot: the firmware enforces signatures.
        lockdown: the kernel is locked down and refuses unsigned modules.
        live: the system runs from a live medium, nothing on it lasts.
        kernel: release of the running kernel.
        version: of the module's sources on this machine; empty when there are none.
    """

    loaded: bool
    built: bool
    secure_boot: bool
    lockdown: bool
    live: bool
    kernel: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What to tell people.

    Attributes:
        state: the case.
        reason: one sentence; empty when all is well.
        steps: what to do, in order, one command or action each.
    """

    state: ZfsState
    reason: str = ""
    steps: tuple[str, ...] = ()


_OFF = "turn Secure Boot off in the firmware's setup"


_ENROL_LIVE = (
    "sudo sigmavault secure-boot enrol FOLDER   (on a USB stick, which keeps the key; asks for a password)",
    'sudo systemctl reboot   (choose "Enroll MOK" on the blue screen, give that password)',
    "sudo sigmavault secure-boot load FOLDER   (from then on, after each start of the live system)",
)


def _enrol(version: str) -> tuple[str, ...]:
    """On an installed system DKMS holds the key: it signs what a kernel update builds, too."""
    return (
        "sudo dkms generate_mok",
        f"sudo dkms build --force zfs/{version}",
        f"sudo dkms install --force zfs/{version}",
        "sudo mokutil --import /var/lib/dkms/mok.pub   (think of a one-time password)",
        'sudo systemctl reboot   (choose "Enroll MOK" on the blue screen, give that password)',
    )


def diagnose(facts: ZfsFacts) -> Diagnosis:
    """The reason and the way out for what was seen."""
    if facts.loaded:
        return Diagnosis(state=ZfsState.LOADED)
    if not facts.built:
        return Diagnosis(
            state=ZfsState.NOT_BUILT,
            reason=f"There is no ZFS module for the running kernel {facts.kernel}.",
            steps=("sudo dkms autoinstall", "sudo modprobe zfs"),
        )
    if facts.secure_boot or facts.lockdown:
        return Diagnosis(
            state=ZfsState.SECURE_BOOT,
            reason="Secure Boot keeps the ZFS module out: it carries no signature that this machine's"
            " firmware knows.",
            steps=(*(_ENROL_LIVE if facts.live else _enrol(facts.version)), f"or: {_OFF}"),
        )
    return Diagnosis(
        state=ZfsState.NOT_LOADED,
        reason="The ZFS module is there, but was not loaded.",
        steps=("sudo modprobe zfs", "journalctl --boot --unit zfs-load-module.service"),
    )


def render_issue(diagnosis: Diagnosis) -> str:
    r"""The text for the login console; `\` is doubled, because agetty reads escapes there."""
    if diagnosis.state is ZfsState.LOADED:
        return ""
    lines = [f"ZFS is not available. {diagnosis.reason}", "What to do:"]
    lines += [f"  {step}" for step in diagnosis.steps]
    return "\n".join(lines).replace("\\", "\\\\") + "\n\n"


def is_enforcing(secure_boot_variable: bytes) -> bool:
    """Whether the content of the EFI variable `SecureBoot` (4 bytes of attributes, 1 of value) says on."""
    return len(secure_boot_variable) == 5 and secure_boot_variable[4] == 1


def is_locked_down(lockdown: str) -> bool:
    """Whether `/sys/kernel/security/lockdown`, such as `none [integrity] confidentiality`, says so."""
    return "[integrity]" in lockdown or "[confidentiality]" in lockdown
