"""A pool of real model processes, for the tests of the pool."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Finished, GenerateRequest, Sampling, Text
from sigmavault.core.manifest import parse_manifest
from sigmavault.ryzan.catalog import Catalog
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.counters import Counters
from sigmavault.ryzan.pool import Pool
from sigmavault.ryzan.vetting import Vetting

from tests.services import models
from tests.services.daemon import SERVICES, SOURCE

type Test = Callable[[Pool], Awaitable[None]]
type Run = Callable[..., Counters]

SMOL = "smollm2-135m-instruct"
TINY = "local/llama-f32"
OTHER = "local/llama-q8_0"
LIMITS = {"pauses_s": [0.1, 0.2], "look_s": 0.1, "sequences": 4, "context_tokens": 1024}


def request(tokens: int = 4) -> GenerateRequest:
    return GenerateRequest(
        prompt=Text(text="Once upon a time"),
        sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1),
        max_tokens=tokens,
    )


async def answer(pool: Pool, model: str, tokens: int = 4) -> int:
    """Tokens of a whole answer."""
    async with pool.use(model) as supervisor:
        ticket = await supervisor.ask(request(tokens))
    while not isinstance(event := await ticket.next(), Finished):
        pass
    return event.completion_tokens


def pid(pool: Pool, model: str) -> int | None:
    slot = pool.slot(model)
    return slot.supervisor.pid if slot and slot.supervisor else None


def state(pool: Pool, model: str) -> State:
    return pool.state(pool.catalog.find(model))[0]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path, smollm2: Path) -> Path:
    """A models folder with SmolLM2 of the manifest and two tiny models that somebody put there."""
    made = tmp_path / "models"
    made.mkdir()
    (made / smollm2.name).symlink_to(smollm2)
    models.make("llama-f32", made)
    models.make("llama-q8_0", made)
    return made


@pytest.fixture
def run(folder: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", os.fspath(SERVICES))
    monkeypatch.setenv("SIGMAVAULT_RUNTIME", os.fspath(runtime))
    manifest = parse_manifest(yaml.safe_load((SOURCE / "models-manifest.yaml").read_text()), "manifest")

    def live(test: Test, *, pinned: tuple[str, ...] = (), **sections: Mapping[str, Any]) -> Counters:
        told = {**sections, "limits": {**LIMITS, **sections.get("limits", {})}}
        settings = Settings.model_validate(told, strict=False)
        counters = Counters()

        async def main() -> None:
            vetting = Vetting(tmp_path / "verified.json")
            catalog = Catalog(manifest, [folder], vetting)
            pool = Pool(catalog, vetting, settings, pinned, counters, lambda: None)
            async with kept(pool):
                await asyncio.wait_for(test(pool), 120)

        asyncio.run(main())
        return counters

    return live


@contextlib.asynccontextmanager
async def kept(pool: Pool) -> AsyncIterator[None]:
    keeping = asyncio.create_task(pool.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await pool.close()
