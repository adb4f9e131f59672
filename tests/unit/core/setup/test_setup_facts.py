"""What is proposed for a machine: pools out of its disks, models for its memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sigmavault.core.setup.facts import (
    DiskFact,
    in_words,
    model_offers,
    pool_choices,
    proposed_disks,
    tier_in_words,
)
from sigmavault.core.storage.topology import Layout
from sigmavault.core.tiers import choose_tier
from sigmavault.core.values import TIB
from sigmavault.system.hardware import read_hardware

from tests.unit.core.test_tiers import MANIFEST, measured
from tests.unit.system.layout import lay_out


def disk(name: str, size: int = 4 * TIB, kind: str = "hdd", reasons: tuple[str, ...] = ()) -> DiskFact:
    return DiskFact(name=name, size_bytes=size, kind=kind, is_eligible=not reasons, reasons=reasons)


@pytest.mark.parametrize(("count", "layout", "may_fail"), [
    (1, Layout.STRIPE, 0), (2, Layout.MIRROR, 1), (3, Layout.RAIDZ1, 1), (4, Layout.RAIDZ2, 2),
    (6, Layout.RAIDZ2, 2), (15, Layout.RAIDZ2, 2),
])  # fmt: skip
def test_a_layout_for_each_number_of_disks(count: int, layout: Layout, may_fail: int) -> None:
    first = pool_choices([disk(f"d{number}") for number in range(count)])[0]
    assert (first.layout, first.may_fail, len(first.disks)) == (layout, may_fail, count)
    assert first.usable_bytes <= (count - may_fail) * 4 * TIB


def test_without_a_disk_nothing_is_proposed() -> None:
    assert proposed_disks([]) == ()
    assert pool_choices([]) == ()


def test_only_disks_that_are_free_and_go_together_are_proposed() -> None:
    found = proposed_disks([
        disk("system", kind="nvme", reasons=("boot-disk",)), disk("a"), disk("b"),
        disk("flash", kind="ssd"), disk("stick", 9 * TIB, kind="usb"), disk("used", reasons=("has-data",)),
        disk("other", 5 * TIB),
    ])  # fmt: skip
    assert [each.name for each in found] == ["a", "b"]


def test_redundancy_goes_before_one_large_disk() -> None:
    found = proposed_disks([disk("large", 20 * TIB), disk("a"), disk("b")])
    assert [each.name for each in found] == ["a", "b"]


def test_what_disks_of_different_sizes_cost_is_told_with_each_pool_of_them() -> None:
    found = pool_choices([disk("a"), disk("b"), disk("small", TIB)])
    assert all("small has only 1.00 TiB, and 6.00 TiB of the others stay unused." in each.sizes
               for each in found)  # fmt: skip
    assert found[0].usable_bytes <= 2 * TIB
    assert all(not each.sizes for each in pool_choices([disk("a"), disk("b")]))


def test_only_data_that_nobody_uses_can_be_overwritten() -> None:
    assert disk("a", reasons=("has-data",)).is_overwritable
    assert not disk("a", reasons=("has-data", "mounted")).is_overwritable
    assert not disk("a").is_overwritable


def test_models_are_offered_with_what_they_need_and_how_fast_they_are(tmp_path: Path) -> None:
    n100 = replace(read_hardware(lay_out("n100", tmp_path)), bandwidth=measured(20))
    offers = model_offers(MANIFEST, n100, {"qwen3-1.7b"})
    by_id = {each.id: each for each in offers}
    assert offers[0].is_proposed
    assert by_id["qwen3-1.7b"].is_here
    assert by_id["smollm2-135m-instruct"].is_embedded
    speed = by_id["qwen3-1.7b"].speed
    assert speed is not None
    assert 5 < speed[0] < speed[1] < 20
    assert "Apache-2.0" in by_id["qwen3-1.7b"].facts
    assert "tokens per second" in by_id["qwen3-1.7b"].facts
    assert "more memory than models may have" in by_id["qwen3-8b"].caution or by_id["qwen3-8b"].memory_bytes
    assert by_id["all-minilm-l6-v2"].speed is None
    without = model_offers(MANIFEST, replace(n100, bandwidth=None), ())
    assert all(each.speed is None for each in without)


def test_a_machine_is_told_in_plain_words(tmp_path: Path) -> None:
    choice = choose_tier(read_hardware(lay_out("n100", tmp_path)), MANIFEST)
    first, *reasons = tier_in_words(choice)
    assert "counts as “small”: 8 GB of memory" in first
    assert any(each.startswith("Not medium") for each in reasons)


def test_a_speed_is_compared_with_reading() -> None:
    assert in_words((9, 14)) == "9 to 14 tokens per second, faster than people read"
    assert in_words((3, 4.9)).endswith("about as fast as people read")
    assert in_words((0.5, 0.9)).endswith("slow")
