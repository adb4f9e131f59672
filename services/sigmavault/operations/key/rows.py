"""What the operations on keys share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Value
from sigmavault.core.storage.datasets import KEY_STORED, TRASH, Dataset, DatasetType, KeyStatus
from sigmavault.core.storage.keys import Keeping, keeping
from sigmavault.operations.dataset.rows import in_pool, named

KEY_COLUMNS: Final = ("guid", "encryptionroot", "keystatus", "keyformat", "keylocation", KEY_STORED, TRASH)
"""What is asked of every dataset for a list of keys."""


class KeyRow(Value):
    """The key of an encryption root.

    Attributes:
        dataset: the encryption root.
        guid: its identity, decimal.
        loaded: whether it is loaded.
        kept: who has it: a person (a passphrase), this machine (a key file), or somebody else.
        stored: since when a person has it outside of this machine, ISO 8601; null as long as nobody said so.
        reminder: what is to be done about that, as a sentence; empty for nothing.
    """

    dataset: str
    guid: str
    loaded: bool
    kept: Keeping
    stored: str | None
    reminder: str


def row(root: Dataset) -> KeyRow:
    """The row of an encryption root."""
    stored = root.own(KEY_STORED)
    kept = keeping(root.key_format, root.key_location)
    return KeyRow(
        dataset=root.name, guid=root.guid, loaded=root.key_status is KeyStatus.AVAILABLE, kept=kept,
        stored=stored or None, reminder="" if stored else _reminder(root.name, kept),
    )  # fmt: skip


def _reminder(name: str, kept: Keeping) -> str:
    match kept:
        case Keeping.MACHINE:
            return f"If this machine fails, the data is lost: `sigmavault key export {name}` gives the key."
        case Keeping.PERSON:
            return f"Write the passphrase down, then show it with `sigmavault key export {name}`."
        case Keeping.ELSEWHERE:
            return "The key is not kept by SigmaVault: make sure that you have a copy."


def encryption_root(machine: Machine, name: str) -> tuple[Dataset, tuple[Dataset, ...]]:
    """The dataset of a name, which has a key of its own, and all datasets of its pool.

    Raises:
        UnknownObjectError: there is no such dataset.
        OperationError: it has no key of its own.
    """
    everything = in_pool(machine, name)
    dataset = named(everything, name)
    if not dataset.encryption_root:
        raise OperationError(f"{name} is not encrypted")
    if not dataset.is_encryption_root:
        root = dataset.encryption_root
        raise OperationError(f"{name} has the key of {root}", hint=f"give {root} instead")
    return dataset, everything


def with_its_key(root: Dataset, everything: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """The filesystems that are encrypted with its key, the upper ones first."""
    return tuple(
        each for each in everything
        if each.encryption_root == root.name and each.type is DatasetType.FILESYSTEM
    )  # fmt: skip
