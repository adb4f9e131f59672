"""Which shares need a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.datasets import Dataset
from sigmavault.system import shares


def sharing(machine: Machine, inside: Sequence[Dataset]) -> tuple[str, ...]:
    """Names of the shares that lie on one of the datasets.

    Raises:
        ConfigError: what is shared cannot be read, so nobody knows.
    """
    names, guids = {each.name for each in inside}, {each.guid for each in inside}
    found = shares.read(machine).shares
    return tuple(each.name for each in found if each.guid in guids or each.dataset in names)


def require_unshared(machine: Machine, inside: Sequence[Dataset]) -> None:
    """Raises OperationError when one of them is shared."""
    if names := sharing(machine, inside):
        raise OperationError(
            f"{inside[0].name} is shared as {', '.join(names)}",
            hint=f"remove the share first: `sigmavault share delete {names[0]!r}`",
        )
