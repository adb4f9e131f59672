"""Pools that could be imported, out of the text of `zpool import` and of a label (recorded, ZFS 2.3.9)."""

from __future__ import annotations

from sigmavault.core.storage.pools import PoolState
from sigmavault.core.storage.pools_import import ForeignPool, Label, parse_import, parse_label

from tests.unit.core.storage.pool_states import RECORDED


def found(file: str) -> dict[str, ForeignPool]:
    return {pool.name: pool for pool in parse_import((RECORDED / file).read_text())}


def test_a_pool_of_another_machine_is_told_from_one_that_was_let_go() -> None:
    pools = found("import_foreign.txt")
    assert {name: pool.is_of_other_host for name, pool in pools.items()} == {"two": False, "evil": True}
    evil = pools["evil"]
    assert (evil.guid, evil.state, evil.is_importable) == ("10716193627540242895", PoolState.ONLINE, True)
    assert evil.disks == tuple((f"virtio-P0{number}", True) for number in (5, 6, 7, 8))
    assert evil.remedy.endswith("and the '-f' flag.")


def test_a_missing_log_is_seen() -> None:
    evil = found("import_missing_log.txt")["evil"]
    assert (evil.has_missing_log, evil.state) == (True, PoolState.DEGRADED)
    assert [name for name, is_found in evil.disks if not is_found] == ["virtio-P08"]


def test_a_pool_with_too_few_disks_is_not_importable() -> None:
    evil = found("import_unavail.txt")["evil"]
    assert not evil.is_importable
    assert [name for name, is_found in evil.disks if not is_found][:2] == ["virtio-P05", "virtio-P06"]


def test_hostile_names_do_nothing() -> None:
    text = "   pool: x\x1b[31m\n     id: 12; rm -rf /\n  state: ONLINE\n"
    assert parse_import(text) == ()
    (pool,) = parse_import(
        "   pool: x\x1b[31m\n     id: 12\n  state: GREAT\nconfig:\n\n\tx  GREAT\n\t  -rf  ONLINE\n"
    )
    assert "\x1b" not in pool.name
    assert pool.state is PoolState.UNKNOWN
    assert parse_import("no pools available to import\n") == ()


def test_who_used_it_last_stands_in_the_label() -> None:
    label = parse_label((RECORDED / "label.txt").read_text())
    assert (label.host, label.host_id) == ("sigmavault", "729922912")
    assert label.written > 1_795_384_000
    assert parse_label("failed to unpack label 0\n") == Label()
