"""Machine-owner keys: what openssl makes of them, what mokutil tells the firmware about them."""

from __future__ import annotations

import os
from pathlib import Path

from sigmavault.core.module_signing import KEY_USAGE, Enrolment, parse_enrolment
from sigmavault.system.run import attend, run

VALID_DAYS = 3650
TIMEOUT_S = 60.0
ANSWER_S = 600.0
"""How long a person may take to think of a password."""


def make_pair(key: Path, certificate: Path, name: str) -> None:
    """Make a private key (PEM, for its owner alone) and its certificate (DER).

    Args:
        key: the private key's new file.
        certificate: the certificate's new file.
        name: the common name; what the firmware and `modinfo` call the key.

    Raises:
        CommandError: openssl failed.
    """
    run(
        ["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256",
         "-days", str(VALID_DAYS), "-subj", f"/CN={name}/",
         "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature",
         "-addext", f"extendedKeyUsage={KEY_USAGE}",
         "-keyout", os.fspath(key), "-outform", "DER", "-out", os.fspath(certificate)],
        timeout_s=TIMEOUT_S,
    )  # fmt: skip


def is_pair(key: Path, certificate: Path) -> bool:
    """Whether a certificate is that of a private key.

    Raises:
        CommandError: one of the files is neither.
    """
    # An empty passphrase: a key that has one is refused instead of asking for it.
    private = ["openssl", "pkey", "-pubout", "-passin", "pass:", "-in", os.fspath(key)]
    public = ["openssl", "x509", "-inform", "DER", "-noout", "-pubkey", "-in", os.fspath(certificate)]
    return run(private, timeout_s=TIMEOUT_S).stdout == run(public, timeout_s=TIMEOUT_S).stdout


def read_name(certificate: Path) -> str:
    """The subject of a certificate, such as `CN=SigmaVault module key 1a2b3c4d`.

    Raises:
        CommandError: the file is no certificate.
    """
    argv = ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253"]
    argv += ["-in", os.fspath(certificate)]
    return run(argv, timeout_s=TIMEOUT_S).stdout.strip().removeprefix("subject=")


def read_enrolment(certificate: Path) -> Enrolment:
    """What the firmware knows of a certificate.

    Raises:
        CommandMissingError: mokutil is not installed.
        ModuleSigningError: mokutil gives no answer.
    """
    # Its exit code tells the answers apart no better than an answer from a failure.
    done = run(["mokutil", "--test-key", os.fspath(certificate)], timeout_s=TIMEOUT_S, check=False)
    return parse_enrolment(done.stdout + done.stderr)


def request_enrolment(certificate: Path) -> None:
    """Ask the firmware to enrol a certificate; mokutil asks for the one-time password at the terminal.

    Raises:
        CommandError: mokutil failed.
    """
    attend(["mokutil", "--import", os.fspath(certificate)], timeout_s=ANSWER_S)
