from __future__ import annotations

from dataclasses import replace

from sigmavault.hostd.pool_states import PoolChange, Seen, changes, with_states


def pool(name: str, state: str, **vdevs: str) -> Seen:
    return Seen(name=name, state=state, vdevs=vdevs, names={guid: f"/dev/{guid}" for guid in vdevs})


def told(old: dict[str, Seen], new: dict[str, Seen]) -> list[PoolChange]:
    return list(changes(old, new))


def test_what_is_the_same_is_no_change() -> None:
    now = {"1": pool("tank", "ONLINE", a="ONLINE")}
    assert told(now, {"1": pool("tank", "ONLINE", a="ONLINE")}) == []


def test_a_device_that_fails_is_told_with_its_pool() -> None:
    old = {"1": pool("tank", "ONLINE", a="ONLINE", b="ONLINE"), "2": pool("other", "ONLINE")}
    new = {"1": pool("tank", "DEGRADED", a="ONLINE", b="REMOVED"), "2": pool("other", "ONLINE")}
    cause = "pool: ONLINE → DEGRADED; /dev/b: ONLINE → REMOVED"
    assert told(old, new) == [PoolChange(pool="tank", guid="1", state="DEGRADED", cause=cause)]


def test_a_second_device_of_a_degraded_pool_is_told() -> None:
    old = {"1": pool("tank", "DEGRADED", a="FAULTED", b="ONLINE")}
    new = {"1": pool("tank", "DEGRADED", a="FAULTED", b="FAULTED")}
    assert [each.cause for each in told(old, new)] == ["/dev/b: ONLINE → FAULTED"]


def test_a_replaced_device_is_told() -> None:
    old = {"1": pool("tank", "ONLINE", a="ONLINE")}
    new = {"1": pool("tank", "ONLINE", c="ONLINE")}
    assert [each.cause for each in told(old, new)] == ["/dev/c: new, ONLINE; /dev/a: taken out"]


def test_a_scan_that_begins_or_ends_is_told() -> None:
    quiet = pool("tank", "ONLINE", a="ONLINE")
    scrub, resilver = replace(quiet, scan="scrub"), replace(quiet, scan="resilver")
    assert [each.cause for each in told({"1": quiet}, {"1": scrub})] == ["scrub: begun"]
    assert [each.cause for each in told({"1": scrub}, {"1": resilver})] == ["scrub: over; resilver: begun"]
    assert [each.cause for each in told({"1": resilver}, {"1": quiet})] == ["resilver: over"]


def test_pools_that_come_and_go_are_told() -> None:
    tank = {"1": pool("tank", "ONLINE")}
    assert [(each.pool, each.state) for each in told({}, tank)] == [("tank", "ONLINE")]
    assert [(each.pool, each.state) for each in told(tank, {})] == [("tank", "GONE")]


def test_a_pool_of_the_same_name_is_another_one() -> None:
    changed = told({"1": pool("tank", "ONLINE")}, {"2": pool("tank", "ONLINE")})
    assert {(each.guid, each.state) for each in changed} == {("1", "GONE"), ("2", "ONLINE")}


def test_the_kernel_tells_states_while_zpool_does_not_answer() -> None:
    old = {"1": pool("tank", "ONLINE", a="ONLINE")}
    new = with_states(old, {"tank": "SUSPENDED"})
    assert [each.cause for each in told(old, new)] == ["pool: ONLINE → SUSPENDED"]
