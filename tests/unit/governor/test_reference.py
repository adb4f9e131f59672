"""The reference page has what the code has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sigmavault.contract.governor1 import NowKey, StatusKey
from sigmavault.core.governor.deciding import Reason
from sigmavault.core.governor.keys import CONTROL_KEYS, SHARE_KEYS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/governor.md").read_text()


def test_every_key_stands_there_with_its_bounds_and_its_default() -> None:
    shipped = tomllib.loads((ROOT / "services/data/usr/lib/sigmavault/budget.toml").read_text())
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| (.*?) \| (.*?) \|", PAGE, re.MULTILINE)
    told = {(section, key): (allowed, default) for section, key, allowed, default in rows}
    assert set(told) == {*SHARE_KEYS, *CONTROL_KEYS}
    for place, wanted in {**SHARE_KEYS, **CONTROL_KEYS}.items():
        allowed, default = told[place]
        assert allowed == (wanted.allowed if wanted.words else f"{wanted.least}–{wanted.most}")
        assert default.split(",")[0].strip("`") == str(shipped[place[0]][place[1]])


def test_every_key_of_the_status_stands_there() -> None:
    table = PAGE.partition("returns JSON")[2]
    assert {each.value for each in (*StatusKey, *NowKey, *Reason)} <= set(re.findall(r"`(\w+)`", table))
