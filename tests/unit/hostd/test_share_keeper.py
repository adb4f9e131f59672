"""What the daemon does and tells when mounts come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sigmavault.core.audit import Event, Facts
from sigmavault.core.errors import CommandError
from sigmavault.hostd import share_keeper
from sigmavault.operations.share.create import CreateShare

from tests.unit.operations.sharing_machine import SharingMachine, do


def followed(machine: SharingMachine) -> tuple[float | None, list[Facts]]:
    told: list[Facts] = []

    async def note(facts: Facts) -> None:
        told.append(facts)

    return asyncio.run(share_keeper.follow(machine, note)), told


def test_the_audit_knows_what_was_served_when(tmp_path: Path) -> None:
    machine = SharingMachine(tmp_path)
    do(machine, CreateShare(), name="photos", dataset="tank/photos", write=["anna"])
    assert followed(machine) == (None, []), "nothing has changed"
    machine.mount("tank")
    gone = Facts(
        event=Event.FOLLOW, message="not served: photos (the dataset tank/photos is not mounted)"
    )  # fmt: skip
    assert followed(machine) == (None, [gone])
    machine.mount("tank", "tank/photos")
    assert followed(machine) == (None, [Facts(event=Event.FOLLOW, message="served: photos")])


def test_a_failure_is_tried_again_and_is_no_success(tmp_path: Path) -> None:
    machine = SharingMachine(tmp_path)
    do(machine, CreateShare(), name="photos", dataset="tank/photos", write=["anna"])
    machine.mount("tank")
    machine.says = {**machine.says, ("testparm",): CommandError(("testparm",), 1, "WARNING: odd")}
    patience_s, told = followed(machine)
    assert patience_s is not None
    assert told == []
