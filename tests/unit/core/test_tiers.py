from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sigmavault.core.hardware import Bandwidth, Hardware
from sigmavault.core.manifest import Purpose, parse_manifest
from sigmavault.core.tiers import choose_tier, memory_needed, speed_ceiling
from sigmavault.core.values import GIB, MIB
from sigmavault.system.hardware import read_hardware

from tests.unit.system.layout import lay_out

MANIFEST = parse_manifest(
    yaml.safe_load((Path(__file__).parents[3] / "models-manifest.yaml").read_text()), "models-manifest.yaml"
)


def measured(gb_s: float | None) -> Bandwidth | None:
    if gb_s is None:
        return None
    return Bandwidth(read_bytes_s=gb_s * 1e9, threads=4, buffer_bytes=256 * MIB, took_s=0.5)


@pytest.fixture
def machine(tmp_path: Path):
    def read(name: str, gb_s: float | None = None, **changes: object) -> Hardware:
        found = replace(read_hardware(lay_out(name, tmp_path)), bandwidth=measured(gb_s))
        return replace(found, **changes)  # type: ignore[arg-type]  # a table's values

    return read


# usable bandwidth where it is published for such machines
TIERS = [
    ("ryzen-5-5600g", 42, "medium"),
    ("ryzen-7-7700x", 55, "large"),
    ("ryzen-9-7950x", 65, "large"),
    ("threadripper-7970x", 115, "large"),
    ("n100", 20, "small"),
    ("n5095", 5, "small"),
    ("nominal-16-gb", 30, "medium"),
    ("container-1.5-cpus", 20, "draft"),
    ("epyc-vm", 30, "small"),
]


@pytest.mark.parametrize(("name", "gb_s", "tier"), TIERS)
def test_the_tier_of_a_machine(name: str, gb_s: float, tier: str, machine) -> None:
    assert choose_tier(machine(name, gb_s), MANIFEST).tier.name == tier


@pytest.mark.parametrize(("name", "tier"), [(name, tier) for name, _, tier in TIERS])
def test_where_bandwidth_was_not_measured_the_rest_decides(name: str, tier: str, machine) -> None:
    choice = choose_tier(machine(name), MANIFEST)
    assert choice.tier.name == tier
    assert choice.reasons[-1] == "Memory bandwidth was not measured and does not count."
    assert all(each.ceiling is None for each in choice.models)


def test_avx2_is_enough_for_the_largest_tier(machine) -> None:
    large = machine("ryzen-5-5600g", 42, memory_bytes=31 * GIB)
    assert choose_tier(large, MANIFEST).tier.name == "large"


@pytest.mark.parametrize(
    ("gib", "tier"), [(15.99, "medium"), (15.0, "medium"), (13.6, "medium"), (11.7, "small")]
)
def test_what_graphics_keep_of_16_gb_makes_no_smaller_machine(gib: float, tier: str, machine) -> None:
    found = machine("ryzen-5-5600g", 42, memory_bytes=int(gib * GIB))
    assert choose_tier(found, MANIFEST).tier.name == tier


def test_the_reasons_name_what_is_there_and_what_is_missing(machine) -> None:
    assert choose_tier(machine("ryzen-5-5600g", 42), MANIFEST).reasons == (
        "It has 15.0 GiB of memory, 6 cores, 42.0 GB/s of memory bandwidth.",
        "Not large: it needs 28.3 GiB of memory, here are 15.0 GiB.",
    )
    assert choose_tier(machine("n5095", 5), MANIFEST).reasons[1:] == (
        "Not medium: the processor lacks avx2, f16c, fma.",
        "Not medium: it needs 12 GB/s of memory bandwidth, here are 5.0.",
    )
    assert choose_tier(machine("ryzen-9-7950x", 65), MANIFEST).reasons[1:] == ()


def test_a_container_is_judged_by_its_limits_and_says_so(machine) -> None:
    assert choose_tier(machine("container-1.5-cpus", 20), MANIFEST).reasons == (
        "It has 4.00 GiB of memory (limited by its control group), 1.5 cores (limited by quota), "
        "20.0 GB/s of memory bandwidth.",
        "Not small: it needs 6.84 GiB of memory, here are 4.00 GiB.",
        "Not small: it needs 2 cores, here are 1.5.",
    )


def test_a_machine_of_which_nothing_is_known_has_the_smallest_tier(tmp_path: Path) -> None:
    assert choose_tier(read_hardware(tmp_path), MANIFEST).tier is MANIFEST.tiers[0]


def test_every_model_is_proposed_once_with_all_its_purposes(machine) -> None:
    models = choose_tier(machine("nominal-16-gb", 30), MANIFEST).models
    assert [each.model.id for each in models] == [
        "qwen3-4b-instruct-2507", "bonsai-8b", "nomic-embed-text-v1.5",
    ]  # fmt: skip
    assert models[0].purposes == (Purpose.CHAT, Purpose.CODE)


# what other people's calculations of the same quotient give for 42 GB/s
@pytest.mark.parametrize(
    ("model", "tokens_s"),
    [("qwen3-0.6b", 66), ("qwen3-4b-instruct-2507", 17), ("qwen3-8b", 8.4), ("bonsai-8b", 36)],
)
def test_ceilings(model: str, tokens_s: float) -> None:
    assert speed_ceiling(MANIFEST.find(model), 42e9) == pytest.approx(tokens_s, rel=0.02)


def test_a_long_context_lowers_the_ceiling_up_to_what_the_model_takes() -> None:
    model = MANIFEST.find("smollm2-135m-instruct")
    assert speed_ceiling(model, 1e9, 4096) == pytest.approx(1e9 / (98362432 + 4096 * 23040))
    assert speed_ceiling(model, 1e9, 10**9) == speed_ceiling(model, 1e9, model.context)


def test_of_a_mixture_of_experts_only_the_active_weights_are_read() -> None:
    model = MANIFEST.find("granite-4.0-h-tiny")
    assert speed_ceiling(model, 42e9) == pytest.approx(60, rel=0.05)


def test_no_ceiling_without_tokens_or_size() -> None:
    assert speed_ceiling(MANIFEST.find("bge-small-en-v1.5"), 42e9) is None
    assert speed_ceiling(MANIFEST.find("bitcpm-cann-8b"), 42e9) is None


@pytest.mark.parametrize(
    ("model", "gib"), [("smollm2-135m-instruct", 0.48), ("qwen3-4b-instruct-2507", 3.2), ("qwen3-8b", 5.5)]
)
def test_memory_of_a_model(model: str, gib: float) -> None:
    assert (memory_needed(MANIFEST.find(model)) or 0) / GIB == pytest.approx(gib, rel=0.01)


def test_memory_that_an_entry_gives_goes_before() -> None:
    assert memory_needed(MANIFEST.find("nomic-embed-text-v1.5")) == 214748364
    assert memory_needed(MANIFEST.find("mamba-2.8b")) is None


def test_what_a_tier_proposes_leaves_two_thirds_of_the_memory_to_the_rest() -> None:
    for tier in MANIFEST.tiers[1:]:
        first = dict(reversed(list(tier.models.by_purpose())))
        resident = {first[purpose] for purpose in first if purpose is not Purpose.CODE}
        needed = sum(memory_needed(MANIFEST.find(model)) or 0 for model in resident)
        assert needed <= tier.memory_mib * MIB / 3, tier.name
