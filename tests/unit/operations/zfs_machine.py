"""A scripted machine whose `zfs list` and `zfs get` answer out of `zfs_words.Zfs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sigmavault.core.operation import Change, Plan
from sigmavault.core.operation.arguments import parse

from tests.unit.core.storage.zfs_words import LOCAL, Zfs
from tests.unit.operations.scripted import Said, ScriptedMachine

NOW = 1785542400.0
"""2026-08-01T00:00:00Z"""


def tank() -> Zfs:
    """A pool with some datasets, one of them encrypted, and snapshots."""
    zfs = Zfs().add("tank", guid=1, mountpoint=("/tank", LOCAL))
    zfs.add("tank/photos", guid=2, used=2 << 30).add("tank/photos/2026", guid=3).add("tank/docs", guid=4)
    zfs.encrypted("tank/secret", "tank/secret", guid=5).encrypted("tank/secret/in", "tank/secret", guid=6)
    zfs.add("tank/photos@a", guid=20, type_="SNAPSHOT", txg=10).add(
        "tank/photos@b", guid=21, type_="SNAPSHOT", txg=20, creation=1785542500
    )
    return zfs.add("tank/docs@d", guid=22, type_="SNAPSHOT", txg=30)


def machine(root: Path, zfs: Zfs, says: dict[tuple[str, ...], Said] | None = None) -> ScriptedMachine:
    (root / "sys/module/zfs").mkdir(parents=True, exist_ok=True)
    (root / "proc").mkdir(exist_ok=True)
    usual: dict[tuple[str, ...], Said] = {
        ("zfs", "list"): zfs.list, ("zfs", "get"): zfs.get, ("zfs", "holds"): "",
        ("zfs", "destroy", "-n"): "destroy\ttank/photos@a\nreclaim\t4096\n",
    }  # fmt: skip
    return ScriptedMachine(root=root, says=usual | (says or {}), time=NOW)


def told(operation: Any, **arguments: Any) -> Any:
    return parse(operation.arguments_type(), json.dumps(arguments))


def plan(operation: type[Change[Any, Any]], on: ScriptedMachine, **arguments: Any) -> Plan:
    made: Plan = operation().plan(told(operation, **arguments), on)
    assert operation().plan(told(operation, **arguments), on).digest() == made.digest()
    return made


def commands(made: Plan) -> list[str]:
    return [" ".join(step.argv) for step in made.steps if step.argv]
