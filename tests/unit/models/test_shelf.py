"""Files of models where the model service looks for them, and links there into datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.downloads.places import Place
from sigmavault.core.errors import NoPlaceError, OperationError
from sigmavault.core.manifest import Model
from sigmavault.models.shelf import Shelf, room
from sigmavault.ryzan.catalog import Catalog, entry_of
from sigmavault.ryzan.vetting import Vetting

from tests.unit.core.downloads.builders import model

TINY = model(size=4)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Of the system, ours, and a dataset."""
    found = tmp_path / "system", tmp_path / "ours", tmp_path / "dataset"
    for each in found:
        each.mkdir()
    return found


def served(shelf_folders: tuple[Path, ...], wanted: Model) -> Path | None:
    """Where the model service finds the model."""
    manifest = _Manifest(wanted)
    return Catalog(manifest, shelf_folders, Vetting(None)).locate(entry_of(wanted))  # type: ignore[arg-type]


class _Manifest:
    def __init__(self, wanted: Model) -> None:
        self.models = (wanted,)


def test_the_model_service_finds_a_model_on_a_dataset(folders: tuple[Path, Path, Path]) -> None:
    system, ours, dataset = folders
    shelf = Shelf((system, ours))
    (dataset / "Tiny.gguf").write_text("GGUF")
    shelf.show(dataset / "Tiny.gguf")
    assert shelf.find(TINY) == served((system, ours), TINY) == ours / "Tiny.gguf"
    (dataset / "Tiny.gguf").unlink()  # as if the dataset were not mounted
    assert shelf.find(TINY) is None
    assert served((system, ours), TINY) is None


def test_a_link_takes_the_place_of_a_copy_on_the_boot_disk(folders: tuple[Path, Path, Path]) -> None:
    system, ours, dataset = folders
    shelf = Shelf((system, ours))
    for each in (ours, dataset):
        (each / "Tiny.gguf").write_text("GGUF")
    assert shelf.on_the_boot_disk([TINY]) == [TINY]
    shelf.show(dataset / "Tiny.gguf")
    assert shelf.on_the_boot_disk([TINY]) == []
    assert (ours / "Tiny.gguf").readlink() == dataset / "Tiny.gguf"
    shelf.remove(TINY)
    assert not (dataset / "Tiny.gguf").exists()
    assert list(ours.iterdir()) == []


def test_a_file_of_another_size_is_not_the_model(folders: tuple[Path, Path, Path]) -> None:
    system, ours, _ = folders
    (ours / "Tiny.gguf").write_text("GGUF and more")
    assert Shelf((system, ours)).find(TINY) is None
    assert Shelf((system, ours)).on_the_boot_disk([TINY]) == []


def test_what_comes_with_the_system_is_not_removed(folders: tuple[Path, Path, Path]) -> None:
    system, ours, _ = folders
    (system / "Tiny.gguf").write_text("GGUF")
    with pytest.raises(OperationError, match="comes with the system"):
        Shelf((system, ours)).remove(TINY)
    assert (system / "Tiny.gguf").exists()


def test_what_is_not_here_is_not_removed(folders: tuple[Path, Path, Path]) -> None:
    with pytest.raises(OperationError, match="is not here"):
        Shelf(folders[:2]).remove(TINY)


def test_a_link_to_something_else_is_removed_and_what_it_names_is_not(
    folders: tuple[Path, Path, Path],
) -> None:
    system, ours, dataset = folders
    (dataset / "precious").write_text("GGUF")
    (ours / "Tiny.gguf").symlink_to(dataset / "precious")
    Shelf((system, ours)).remove(TINY)
    assert (dataset / "precious").exists()
    assert not (ours / "Tiny.gguf").is_symlink()


def test_a_place_that_is_not_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoPlaceError, match="tank/models cannot be used: No such file"):
        room(Place(path=str(tmp_path / "gone"), name="tank/models"))
    assert room(Place(path=str(tmp_path), name="tank/models")).size > 0
