"""The page for people says what the programs do."""

from __future__ import annotations

from pathlib import Path

from sigmavault.ryzan.http.chat_body import ChatBody
from sigmavault.ryzan.http.completion_body import CompletionBody
from sigmavault.ryzan.http.embeddings import EmbeddingBody

from tests.unit.ryzan.http.scripted import ScriptedService, app, call, post

PAGE = (Path(__file__).resolve().parents[4] / "docs/reference/http.md").read_text()
UNTOLD = {"audio", "modalities", "verbosity", "web_search_options"}
"""Refused like others that the page names."""


def test_every_parameter_is_there() -> None:
    for body in (ChatBody, CompletionBody, EmbeddingBody):
        assert [name for name in set(body.model_fields) - UNTOLD if name not in PAGE] == []


def test_every_figure_is_there() -> None:
    service = ScriptedService()
    served = app(service)
    hello = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert call(served, "POST", "/v1/chat/completions", json=hello).status_code == 200
    lines = call(served, "GET", "/metrics").text.splitlines()
    names = [line.split()[2].removeprefix("sigmavault_ryzan_") for line in lines if line.startswith("# TYPE")]
    assert len(names) > 20
    assert [name for name in names if f"`{name}" not in PAGE] == []


def test_every_route_and_status_is_there() -> None:
    paths = call(app(ScriptedService()), "GET", "/openapi.json").json()["paths"]
    for path, item in paths.items():
        assert path.partition("{")[0] in PAGE
        for operation in item.values():
            assert [
                status for status in operation["responses"] if status != "200" and status not in PAGE
            ] == []


def test_every_header_is_there() -> None:
    hello = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    headers = post(ScriptedService(), "/v1/chat/completions", hello).headers
    assert [name for name in headers if name not in PAGE and not name.startswith("content-")] == []
