"""`dataset.list`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DatasetName
from sigmavault.core.operation import Arguments, Machine, Positional, Read, Value
from sigmavault.core.storage.datasets import LISTED, Dataset
from sigmavault.operations.dataset.rows import DatasetRow, row
from sigmavault.system import zfs


class ListArguments(Arguments):
    """Which datasets."""

    root: Annotated[DatasetName | None, Positional()] = Field(
        default=None, description="this dataset and those below it; all when left out", examples=["tank"]
    )


class Datasets(Value):
    """Datasets by name; the trash is not among them (`dataset.trash`)."""

    datasets: tuple[DatasetRow, ...]


class ListDatasets(Read[ListArguments, Datasets]):
    """What datasets there are."""

    name = "dataset.list"
    summary = "List the datasets, with their sizes and where they are mounted"
    examples = ("dataset list", "dataset list tank/photos")

    def read(self, arguments: ListArguments, machine: Machine) -> Datasets:
        """Ask ZFS."""
        return Datasets(datasets=zfs.each_dataset(machine, _listed, arguments.root or "", LISTED))


def _listed(dataset: Dataset) -> DatasetRow | None:
    return None if dataset.is_trash else row(dataset)
