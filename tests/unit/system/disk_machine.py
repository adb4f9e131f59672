"""A machine with the disks that `tests/unit/core/storage/recorded/disks` describes, in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.unit.operations.scripted import Said, ScriptedMachine

RECORDED = Path(__file__).parents[1] / "core/storage/recorded/disks"
VIRTUAL = ("dm-", "md", "zd", "zram", "loop")


def machine_of(root: Path, name: str, **more: Said) -> ScriptedMachine:
    """The machine `vm` (recorded) or `machine` (composed).

    Args:
        root: an empty folder.
        name: which.
        more: what other programs say, by their names.
    """
    listed = (RECORDED / f"lsblk_{name}.json").read_text()
    for device in json.loads(listed)["blockdevices"]:
        folder = root / "sys/block" / device["kname"]
        folder.mkdir(parents=True)
        if not device["kname"].startswith(VIRTUAL):
            (folder / "device").mkdir()
    by_id = root / "dev/disk/by-id"
    by_id.mkdir(parents=True)
    for line in (RECORDED / f"links_{name}.txt").read_text().splitlines():
        link, target = line.split(" ")
        (by_id / link).symlink_to(target)
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text("")
    says: dict[tuple[str, ...], Said] = {("lsblk",): listed, ("wipefs", "--json"): ""}
    if name == "vm":
        says["wipefs", "--json"] = wipefs
    says |= {(program,): said for program, said in more.items()}
    return ScriptedMachine(root=root, says=says)


def wipefs(argv: Sequence[str], _stdin: str) -> str:
    """The recorded signatures, of the devices that were asked for."""
    asked = {Path(path).name for path in argv[argv.index("--") + 1 :]}
    rows = json.loads((RECORDED / "wipefs_vm.json").read_text())["signatures"]
    found = [row for row in rows if row["device"] in asked]
    return json.dumps({"signatures": found}) if found else ""
