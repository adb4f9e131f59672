from __future__ import annotations

from scripts import models


def test_the_committed_page_is_the_one_of_the_manifest() -> None:
    assert models.PAGE.read_text("utf-8") == models.page(), "PYTHONPATH=services python3 -m scripts.models"
