"""Where models go: a dataset that was made for them; the boot disk only when a person has agreed. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from sigmavault.core.errors import NoPlaceError, ServiceUnavailableError
from sigmavault.core.storage.presets import Preset

BOOT_DISK: Final = "the boot disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder for models.

    Attributes:
        path: absolute.
        name: the dataset, or `BOOT_DISK`.
        is_boot_disk: whether the system lives there too.
    """

    path: str
    name: str
    is_boot_disk: bool = False


def dataset_places(answer: str) -> tuple[Place, ...]:
    """The mounted datasets for models, out of the host daemon's answer to `dataset.list`.

    Raises:
        ServiceUnavailableError: the answer is not what that operation answers.
    """
    try:
        rows = json.loads(answer)["datasets"]
        found = [
            Place(path=str(row["mountpoint"]), name=str(row["name"]))
            for row in rows
            if row["preset"] == Preset.MODELS and row["mounted"] is True and row["readonly"] is False
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceUnavailableError("the host daemon that runs is of another version") from error
    absolute = (each for each in found if PurePosixPath(each.path).is_absolute() and each.path != "/")
    return tuple(sorted(absolute, key=lambda each: each.name))


def choose_place(datasets: Iterable[Place], boot_disk: str, *, boot_disk_allowed: bool) -> Place:
    """The first dataset by its name, else the boot disk where somebody has agreed to that.

    Raises:
        NoPlaceError: neither.
    """
    for each in datasets:
        return each
    if boot_disk_allowed:
        return Place(path=boot_disk, name=BOOT_DISK, is_boot_disk=True)
    raise NoPlaceError(
        "there is no place for models: no dataset was made for them",
        "`sigmavault model place POOL` makes one; `… place --boot-disk` agrees to the boot disk",
    )
