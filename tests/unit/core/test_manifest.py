from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigmavault.core.errors import ConfigError, UnknownModelError
from sigmavault.core.manifest import parse_manifest

FILE = Path(__file__).parents[3] / "models-manifest.yaml"
SHIPPED: dict[str, Any] = yaml.safe_load(FILE.read_text())


def test_shipped_manifest() -> None:
    manifest = parse_manifest(SHIPPED, FILE.name)
    model = manifest.embedded()
    assert model.id == "smollm2-135m-instruct"
    assert model.chat_template
    assert manifest.find(model.id) is model
    with pytest.raises(UnknownModelError, match="gpt-4"):
        manifest.find("gpt-4")


WRONG: dict[str, tuple[list[Any], Any, str]] = {
    "no mapping": ([], [], "must be a mapping"),
    "other schema": (["schema"], 2, "schema: is 2"),
    "unknown key": (["models", 0, "colour"], "red", r"models\[0\].colour: is not a known key"),
    "missing key": (["models", 0, "size"], None, r"models\[0\].size: must be a whole number"),
    "true as a number": (["models", 0, "size"], True, "size: must be a whole number"),
    "no size": (["models", 0, "size"], 0, "size: must be more than 0"),
    "text as a flag": (["models", 0, "embedded"], "yes", "embedded: must be a true or false"),
    "short hash": (["models", 0, "sha256"], "abc", "sha256: must be 64"),
    "path as a file": (["models", 0, "file"], "../x.gguf", "file: must be a plain file name"),
    "hot": (["models", 0, "sampling", "temperature"], 3, "temperature: must be from 0 to 2"),
    "other source": (["models", 0, "source", "kind"], "ftp", "source.kind: must be pypi"),
    "no purpose": (["models", 0, "purpose"], ["fun"], "purpose: must be a list out of"),
    "nothing embedded": (["models", 0, "embedded"], False, "exactly one model must be embedded"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_place(name: str) -> None:
    place, value, message = WRONG[name]
    data: Any = copy.deepcopy(SHIPPED)
    if place:
        *path, last = place
        table = data
        for step in path:
            table = table[step]
        table[last] = value
    else:
        data = value
    with pytest.raises(ConfigError, match=message):
        parse_manifest(data, "models-manifest.yaml")


def test_same_model_twice() -> None:
    data = copy.deepcopy(SHIPPED)
    data["models"] = [data["models"][0], {**data["models"][0], "embedded": False}]
    with pytest.raises(ConfigError, match="smollm2-135m-instruct is there twice"):
        parse_manifest(data, "m")
