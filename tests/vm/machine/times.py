"""The record of boot times and memory: one JSON file for all machines of a test run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "times.json"


def record(folder: Path, machine: str, values: Mapping[str, Any]) -> None:
    """Add values to a machine's entry in `times.json`; what was there and is not named stays."""
    file = folder / NAME
    entries: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.is_file() else {}
    entries[machine] = entries.get(machine, {}) | dict(values)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    fresh.replace(file)
