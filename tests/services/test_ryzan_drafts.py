"""Draft models in the service: who gets one, and what it costs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.values import MIB
from sigmavault.ryzan.pool import Pool

from tests.services.pool_run import OTHER, SMOL, TINY, Run, answer, pid, until

AUTO: dict[str, Any] = {"mode": "auto", "draft": {TINY: OTHER}}


def options(pool: Pool, model: str) -> list[str]:
    """What the model's process was started with about guessing."""
    words = Path(f"/proc/{pid(pool, model)}/cmdline").read_text().split("\0")
    return [each for each in words if each.startswith(("--speculation", "--draft", "--verdicts"))]


def need(pool: Pool, model: str) -> int:
    slot = pool.slot(model)
    assert slot is not None
    return slot.need


def test_guessing_is_off_by_default(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await pool.load(TINY)
        assert options(pool, TINY) == []

    run(test)


def test_a_draft_model_gets_memory_of_its_own_and_a_verdict(run: Run, folder: Path) -> None:
    needs: list[int] = []

    async def measured(pool: Pool) -> None:
        await pool.load(TINY)
        needs.append(need(pool, TINY))
        assert options(pool, TINY) == ["--speculation=auto", f"--draft={folder / 'llama-q8_0.gguf'}"]
        slot = pool.slot(TINY)
        assert slot is not None
        supervisor = slot.supervisor
        assert supervisor is not None
        await until(lambda: supervisor.stats)
        assert supervisor.stats is not None
        assert supervisor.stats.speculation.startswith(("on: ", "no gain: ", "off: the machine is too busy"))
        assert await answer(pool, TINY) == 4

    async def plain(pool: Pool) -> None:
        await pool.load(TINY)
        needs.append(need(pool, TINY))

    run(measured, speculation=AUTO)
    run(plain, speculation={**AUTO, "draft": {TINY: ""}})
    assert needs[0] > needs[1]


def test_a_draft_model_never_takes_memory_that_a_model_needs(run: Run) -> None:
    needs: list[int] = []

    async def test(pool: Pool) -> None:
        await pool.load(TINY)
        needs.append(need(pool, TINY))
        assert len(options(pool, TINY)) == 1

    run(test, speculation={"mode": "auto"})
    run(test, speculation=AUTO, memory={"budget_bytes": needs[0] + MIB})
    assert needs[0] == needs[1]


def test_a_damaged_draft_model_costs_the_draft_only(
    run: Run, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / "llama-q8_0.gguf"
    file.write_bytes(file.read_bytes()[:5000])

    async def test(pool: Pool) -> None:
        assert await answer(pool, TINY) == 4
        assert len(options(pool, TINY)) == 1

    run(test, speculation=AUTO)
    assert f"model {TINY} goes without a draft model" in caplog.text


def test_the_manifest_names_drafts_whose_files_are_here(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await asyncio.sleep(0)
        assert [each.id for each in pool.catalog.drafts_for("smollm2-1.7b-instruct")] == [SMOL]
        assert list(pool.catalog.drafts_for(SMOL)) == []

    run(test)
