"""What `zpool status -j` printed in a virtual machine (ZFS 2.3.9), as pools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sigmavault.core.errors import OperationError
from sigmavault.core.storage.pools import PoolState, Role, ScanKind, ScanState, VdevKind, VdevState
from sigmavault.core.storage.pools_status import parse_status

from tests.unit.core.storage.pool_states import pool_of, text_of


def test_no_pool_is_an_answer() -> None:
    assert parse_status(text_of("no_pools")) == ()


def test_every_use_of_a_disk_is_known() -> None:
    pool = pool_of("all_classes", "a")
    assert (pool.guid, pool.state, pool.problem) == ("7960909989655746611", PoolState.ONLINE, "")
    roles = {role: [leaf.disk for vdev in pool.of_role(role) for leaf in vdev.leaves()] for role in Role}
    assert roles == {
        Role.DATA: ["virtio-P01", "virtio-P02"], Role.LOG: ["virtio-P03", "virtio-P04"],
        Role.CACHE: ["virtio-P05"], Role.SPECIAL: ["virtio-P06", "virtio-P07"],
        Role.SPARE: ["virtio-P08"], Role.DEDUP: [],
    }  # fmt: skip
    assert [vdev.kind for vdev in pool.of_role(Role.DATA)] == [VdevKind.MIRROR]
    assert pool.of_role(Role.SPARE)[0].state is VdevState.AVAIL


def test_how_full_a_raidz_is_and_how_many_disks_it_can_lose() -> None:
    pool = pool_of("scrubbed", "b")
    (group,) = pool.of_role(Role.DATA)
    assert group.kind is VdevKind.RAIDZ1
    assert (pool.size_bytes, pool.usable_bytes) == (2952790016, 1966604288)
    assert pool.used_percent == pytest.approx(16.05, abs=0.01)
    assert {leaf.size_bytes for leaf in group.leaves()} == {1063256064}


def test_a_spare_that_stands_in_is_one_disk() -> None:
    pool = pool_of("degraded_and_spare", "a")
    states = {leaf.disk: leaf.state for leaf in pool.leaves()}
    assert len(states) == 8
    assert (states["virtio-P01"], states["virtio-P08"]) == (VdevState.REMOVED, VdevState.ONLINE)
    assert pool.parents()["6622401248298852274"].kind is VdevKind.SPARE
    assert pool.problem.startswith("One or more devices have been removed. Sufficient replicas")


@pytest.mark.parametrize(
    ("state", "kind", "scan"),
    [
        ("resilvering", ScanKind.RESILVER, ScanState.RUNNING),
        ("scrubbed", ScanKind.SCRUB, ScanState.FINISHED),
        ("scrub_paused", ScanKind.SCRUB, ScanState.PAUSED),
        ("scrub_cancelled", ScanKind.SCRUB, ScanState.CANCELLED),
    ],
)  # fmt: skip
def test_what_reads_the_pool(state: str, kind: ScanKind, scan: ScanState) -> None:
    found = pool_of(state, "b").scan
    assert found is not None
    assert (found.kind, found.state) == (kind, scan)


def test_rate_and_time_left_of_a_scan() -> None:
    raw = json.loads(text_of("resilvering"))
    raw["pools"]["b"]["scan_stats"] |= {
        "to_examine": 1000, "skipped": 200, "issued": 400, "issued_bytes_per_scan": 200, "pass_start": 100,
        "scrub_spent_paused": 10,
    }  # fmt: skip
    scan = parse_status(json.dumps(raw))[0].scan
    assert scan is not None
    assert (scan.percent, scan.rate(130.0), scan.seconds_left(130.0)) == (50.0, 10.0, 40.0)
    assert scan.rate(0.0) == 200.0  # a clock that was set back divides by nothing


def test_a_suspended_pool_is_told_as_that() -> None:
    pool = pool_of("suspended", "b")
    assert (pool.state, pool.message_id, pool.data_errors) == (PoolState.SUSPENDED, "ZFS-8000-JQ", 4)
    assert not pool.state.is_usable


def _changed(path: tuple[str, ...], value: Any) -> str:
    raw = json.loads(text_of("scrubbed"))
    place = raw
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(raw)


POOL = ("pools", "b")
LEAF = (*POOL, "vdevs", "b", "vdevs", "raidz1-0", "vdevs", "/dev/disk/by-id/virtio-P09-part1")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"pools": []}', '{"pools": {"a": {}}}', "{" * 100_000,
        _changed((*POOL, "pool_guid"), "12"), _changed((*POOL, "pool_guid"), -1),
        _changed((*POOL, "pool_guid"), 2**64), _changed((*LEAF, "read_errors"), 1.5),
        _changed((*LEAF, "guid"), None), _changed((*POOL, "scan_stats", "issued"), True),
        _changed((*POOL, "vdevs"), "none"),
    ],
)  # fmt: skip
def test_what_zfs_does_not_print_is_an_error(text: str) -> None:
    with pytest.raises(OperationError):
        parse_status(text)


def test_a_tree_without_end_is_an_error() -> None:
    raw = json.loads(text_of("scrubbed"))
    inner = raw["pools"]["b"]["vdevs"]["b"]
    for _ in range(20):
        inner["vdevs"] = {"x": dict(inner)}
        inner = inner["vdevs"]["x"]
    with pytest.raises(OperationError):
        parse_status(json.dumps(raw))


def test_words_that_zfs_does_not_have_are_not_taken_for_good_news() -> None:
    pool = parse_status(_changed((*POOL, "state"), "SPLENDID"))[0]
    assert (pool.state, pool.state.is_usable) == (PoolState.UNKNOWN, False)
    leaf = parse_status(_changed((*LEAF, "state"), "FINE"))[0].leaves()[0]
    assert (leaf.state, leaf.state.is_working) == (VdevState.UNKNOWN, False)
