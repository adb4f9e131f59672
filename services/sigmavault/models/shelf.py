"""The files of the models: in the folder that the model service reads, or behind a link there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sigmavault.core.downloads.places import Place
from sigmavault.core.downloads.space import Room
from sigmavault.core.errors import NoPlaceError, OperationError
from sigmavault.core.manifest import Model
from sigmavault.system.files import sync_folder


class Shelf:
    """The folders with models; the last one is ours to write to."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self.ours = folders[-1]

    def find(self, model: Model) -> Path | None:
        """The model's file; None where it is not here. A file of another size is none."""
        for folder in self._folders:
            file = folder / model.file
            with contextlib.suppress(OSError):  # a link into a dataset that is not mounted
                if file.is_file() and model.size in (None, file.stat().st_size):
                    return file
        return None

    def show(self, file: Path) -> None:
        """Let the model service see a finished file, wherever it lies."""
        if file.parent == self.ours:
            return
        draft = self.ours / f".{file.name}.link"
        draft.unlink(missing_ok=True)
        draft.symlink_to(file)
        draft.replace(self.ours / file.name)  # also over a copy on the boot disk
        sync_folder(self.ours)

    def remove(self, model: Model) -> None:
        """Remove a model's file from this machine.

        Raises:
            OperationError: it is not here, or not ours to remove.
        """
        file = self.ours / model.file
        if not os.path.lexists(file):
            why = "comes with the system: its package has it" if self.find(model) else "is not here"
            raise OperationError(f"{model.id} {why}")
        try:
            if file.is_symlink():
                target = self.ours / file.readlink()
                # the link was made by us, but is believed only as far as its name
                if target.name == model.file:
                    target.unlink(missing_ok=True)
            file.unlink()
            sync_folder(self.ours)
        except OSError as error:
            raise OperationError(f"{model.id} cannot be removed: {error.strerror}") from error

    def on_the_boot_disk(self, models: Iterable[Model]) -> list[Model]:
        """The models whose files lie in our folder itself."""
        return [each for each in models if self._is_own(self.ours / each.file, each)]

    def _is_own(self, file: Path, model: Model) -> bool:
        try:
            told = file.lstat()
        except OSError:
            return False
        return (
            file.is_file()
            and not file.is_symlink()
            and told.st_size == model.size
            and told.st_uid == os.getuid()
        )


def room(place: Place) -> Room:
    """How full the file system of a place is.

    Raises:
        NoPlaceError: it cannot be asked, or written to.
    """
    try:
        told = os.statvfs(place.path)
    except OSError as error:
        raise NoPlaceError(f"{place.name} cannot be used: {error.strerror}") from error
    if not os.access(place.path, os.W_OK | os.X_OK):
        raise NoPlaceError(
            f"{place.name} does not let the model downloads write",
            f"setfacl --modify user:sigmavault-models:rwx {place.path}",
        )
    return Room(
        size=told.f_frsize * told.f_blocks,
        free=told.f_frsize * told.f_bavail,
        is_boot_disk=place.is_boot_disk,
    )
