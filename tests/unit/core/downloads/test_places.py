from __future__ import annotations

import json

import pytest
from sigmavault.core.downloads.places import Place, choose_place, dataset_places
from sigmavault.core.errors import NoPlaceError, ServiceUnavailableError


def row(name: str, **changed: object) -> dict[str, object]:
    told = {"name": name, "mountpoint": f"/{name}", "preset": "models", "mounted": True, "readonly": False}
    return told | changed


def places(*rows: dict[str, object]) -> list[str]:
    return [each.name for each in dataset_places(json.dumps({"datasets": rows}))]


def test_only_mounted_writable_datasets_for_models_are_places() -> None:
    assert places(
        row("tank/models"), row("tank/photos", preset="documents"), row("a/off", mounted=False),
        row("a/fixed", readonly=True), row("a/none", mountpoint="none"), row("a/root", mountpoint="/"),
        row("a/models"),
    ) == ["a/models", "tank/models"]  # fmt: skip


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"datasets": 1}', '{"datasets": [{}]}'])
def test_an_answer_that_is_none_is_no_place(answer: str) -> None:
    with pytest.raises(ServiceUnavailableError):
        dataset_places(answer)


def test_the_boot_disk_is_for_those_who_agreed_and_have_no_dataset() -> None:
    dataset = Place(path="/tank/models", name="tank/models")
    assert choose_place([dataset], "/ours", boot_disk_allowed=True) is dataset
    assert choose_place([], "/ours", boot_disk_allowed=True).is_boot_disk
    with pytest.raises(NoPlaceError, match="no dataset"):
        choose_place([], "/ours", boot_disk_allowed=False)
