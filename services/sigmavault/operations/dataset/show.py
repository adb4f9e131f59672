"""`dataset.show`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DatasetName
from sigmavault.core.operation import Arguments, Machine, Positional, Read, Value
from sigmavault.core.storage.datasets import Source
from sigmavault.operations.dataset.rows import DatasetRow, row
from sigmavault.system import zfs


class ShowArguments(Arguments):
    """Which dataset."""

    name: Annotated[DatasetName, Positional()] = Field(description="the dataset", examples=["tank/photos"])


class PropertyRow(Value):
    """A property of a dataset, as zfsprops(7) describes it.

    Attributes:
        name: of the property.
        value: as text, numbers exact.
        source: where the value comes from.
        inherited_from: the dataset that it is inherited from; empty otherwise.
    """

    name: str
    value: str
    source: Source
    inherited_from: str


class ShownDataset(Value):
    """A dataset and all its properties."""

    dataset: DatasetRow
    properties: tuple[PropertyRow, ...]


class ShowDataset(Read[ShowArguments, ShownDataset]):
    """Everything about one dataset."""

    name = "dataset.show"
    summary = "Show a dataset with all its properties"
    examples = ("dataset show tank/photos",)

    def read(self, arguments: ShowArguments, machine: Machine) -> ShownDataset:
        """Ask ZFS."""
        found = zfs.properties(machine, arguments.name)
        rows = (
            PropertyRow(name=name, value=str(each.value), source=each.source,
                        inherited_from=each.inherited_from)
            for name, each in sorted(found.properties.items())
        )  # fmt: skip
        return ShownDataset(dataset=row(found), properties=tuple(rows))
