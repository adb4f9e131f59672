"""Keys in files of the machine are loaded at boot, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError
from sigmavault.keyfiles.main import main

from tests.unit.core.storage.zfs_words import LOCAL, NONE, Zfs
from tests.unit.operations.scripted import ScriptedMachine
from tests.unit.operations.zfs_machine import machine, tank

LOAD = ("zfs", "load-key")


def ours(name: str) -> dict[str, Any]:
    file = name.replace("/", "%")
    return {"keyformat": ("hex", NONE), "keylocation": (f"file:///etc/sigmavault/keys/{file}.key", LOCAL)}


def locked() -> Zfs:
    zfs = tank().encrypted("tank/typed", "tank/typed", guid=50, loaded=False)
    zfs.encrypted("tank/a", "tank/a", guid=51, loaded=False, **ours("tank/a"))
    zfs.encrypted("tank/a/in", "tank/a", guid=52, loaded=False)
    zfs.encrypted("tank/b", "tank/b", guid=53, loaded=False, **ours("tank/b"))
    zfs.encrypted("tank/open", "tank/open", guid=54, **ours("tank/open"))
    elsewhere = {"keyformat": ("hex", NONE), "keylocation": ("file:///mnt/stick/key", LOCAL)}
    return zfs.encrypted("tank/other", "tank/other", guid=55, loaded=False, **elsewhere)


def loaded(on: ScriptedMachine) -> list[str]:
    return [each[-1] for each in on.ran if each[:2] == LOAD]


def test_every_key_of_ours_is_loaded_and_nobody_elses(tmp_path: Path) -> None:
    on = machine(tmp_path, locked(), {LOAD: ""})
    assert main(on) == 0
    assert loaded(on) == ["tank/a", "tank/b"]
    assert len(on.ran) == 3


def test_a_key_that_is_missing_keeps_no_other_from_being_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(argv: Any, _stdin: str) -> str:
        if argv[-1] == "tank/a":
            raise CommandError(tuple(argv), 255, "Failed to open key material file: No such file")
        return ""

    on = machine(tmp_path, locked(), {LOAD: load})
    assert main(on) == 1
    assert loaded(on) == ["tank/a", "tank/b"]
    assert "the key of tank/a was not loaded" in capsys.readouterr().err


def test_what_lies_in_the_trash_stays_locked(tmp_path: Path) -> None:
    thrown = {"org.sigmavault:trash": ("container", {"type": "INHERITED", "data": "tank/.sigmavault-trash"})}
    name = "tank/.sigmavault-trash/a_51"
    zfs = tank().encrypted(name, name, guid=51, loaded=False, **ours("tank/a"), **thrown)
    on = machine(tmp_path, zfs, {LOAD: ""})
    assert json.loads(zfs.list(["zfs"]))["datasets"][name]
    assert (main(on), loaded(on)) == (0, [])


def test_without_zfs_the_reason_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on = machine(tmp_path, tank())
    (tmp_path / "sys/module/zfs").rmdir()
    assert main(on) != 0
    assert "ZFS is not loaded" in capsys.readouterr().err
