"""docs/reference/answers.md: its example is right, shows every key, and the table explains every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from sigmavault.core.setup.answers import (
    Administrator,
    Answers,
    Network,
    NewPool,
    SharedFolder,
    parse_answers,
)

PAGE = (Path(__file__).parents[4] / "docs/reference/answers.md").read_text()
EXAMPLE = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])


def test_the_example_is_a_file_of_answers() -> None:
    found = parse_answers(EXAMPLE, "answers.md")
    assert found.pool is not None
    assert found.pool.confirm == found.pool.name


@pytest.mark.parametrize(("kind", "shown"), [
    (Answers, EXAMPLE), (Administrator, EXAMPLE["administrator"]), (Network, EXAMPLE["network"]),
    (NewPool, EXAMPLE["pool"]), (SharedFolder, EXAMPLE["shares"][0]),
])  # fmt: skip
def test_every_key_is_shown_and_explained(kind: type[BaseModel], shown: dict[str, object]) -> None:
    assert set(shown) == set(kind.model_fields)
    table = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    for name in kind.model_fields:
        assert f"{name}`" in table, name
