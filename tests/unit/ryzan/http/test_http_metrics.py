"""Figures of requests; the format is held by `tests/services`, against Prometheus' own parser."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Any, cast

import httpx
from sigmavault.core.errors import ModelBusyError
from sigmavault.ryzan.service import Counters

from tests.unit.ryzan.http.scripted import BASE, ScriptedService, app, call, plain

CHAT = "/v1/chat/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def figures_after(service: ScriptedService, *bodies: Any) -> dict[str, float]:
    async def go() -> str:
        transport = httpx.ASGITransport(app=cast("Any", app(service)))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            for body in bodies:
                await client.post(CHAT, json=body)
            await client.get("/v1/models/secret-name")
            await client.get("/wp-admin.php")
            return (await client.get("/metrics")).text

    lines = [line for line in asyncio.run(go()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_tokens_and_times_are_counted() -> None:
    service = ScriptedService(plain("a", "b"), plain("c"), [ModelBusyError("full")])
    found = figures_after(service, HELLO, {**HELLO, "stream": True}, HELLO)
    prefix = "sigmavault_ryzan_"
    requests = f'{prefix}http_requests_total{{route="{CHAT}",method="POST",status='
    assert found[f'{requests}"200"}}'] == 2
    assert found[f'{requests}"429"}}'] == 1
    assert found[f'{prefix}prompt_tokens_total{{model="m"}}'] == 20
    assert found[f'{prefix}prompt_tokens_cached_total{{model="m"}}'] == 8
    assert found[f'{prefix}completion_tokens_total{{model="m"}}'] == 3
    assert found[f'{prefix}time_to_first_token_seconds_count{{model="m"}}'] == 2
    assert found[f'{prefix}http_request_duration_seconds_count{{route="{CHAT}"}}'] == 3
    assert found[f"{prefix}restarts_total"] == 2
    assert found[f'{prefix}model_loaded{{model="m",backend="local"}}'] == 1
    assert found[f'{prefix}prefix_hits_total{{model="m",backend="local"}}'] == 3


def test_paths_of_callers_are_no_labels() -> None:
    names = " ".join(figures_after(ScriptedService()))
    assert "secret" not in names
    assert "wp-admin" not in names
    assert 'route="other"' in names


def test_every_counter_of_the_service_is_told() -> None:
    text = call(app(ScriptedService()), "GET", "/metrics").text
    assert all(f"sigmavault_ryzan_{each.name}_total" in text for each in fields(Counters))
