from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.errors import ModelRefusedError, UnknownModelError
from sigmavault.ryzan.catalog import Catalog
from sigmavault.ryzan.config import read_manifest
from sigmavault.ryzan.vetting import Vetting

MANIFEST = read_manifest(Path(__file__).parents[3] / "models-manifest.yaml")


def catalog(*folders: Path) -> Catalog:
    return Catalog(MANIFEST, folders, Vetting(None))


def test_a_refused_file_is_no_model_and_its_reason_is_kept(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("GGUF, honestly")
    found = catalog(tmp_path)
    assert list(found.present()) == []
    for _ in range(2):  # the second time out of memory
        with pytest.raises(ModelRefusedError, match=r"text\.gguf: "):
            found.find("local/text")
    (tmp_path / "text.gguf").unlink()
    with pytest.raises(UnknownModelError):
        found.find("local/text")


def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    bad = tmp_path / ("x" * 300)  # root may read everything: no name of this length can be asked for
    good = tmp_path / "good"
    good.mkdir()
    model = MANIFEST.embedded()
    found = catalog(bad, good)
    entry = found.find(model.id)
    assert found.locate(entry) is None
    assert list(found.present()) == []
    assert found.trouble() == f"{bad} cannot be read: File name too long"
    (good / model.file).touch()
    assert found.locate(entry) == good / model.file
    assert catalog(tmp_path / "nowhere", good).trouble() == ""
