from __future__ import annotations

from typing import Any

from tests.unit.ryzan.http.scripted import ScriptedService, app, call


def document() -> dict[str, Any]:
    found: dict[str, Any] = call(app(ScriptedService()), "GET", "/openapi.json").json()
    return found


def test_every_route_is_documented_with_its_failures() -> None:
    paths = document()["paths"]
    assert set(paths) == {
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/models/{model_id}",
        "/health", "/metrics",
    }  # fmt: skip
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        assert set(paths[path]["post"]["responses"]) == {
            "200", "400", "401", "403", "404", "413", "415", "429", "500", "503",
        }  # fmt: skip


def test_every_reference_leads_somewhere() -> None:
    found = document()

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                place: Any = found
                for part in value["$ref"].removeprefix("#/").split("/"):
                    place = place[part]
            for each in value.values():
                check(each)
        elif isinstance(value, list):
            for each in value:
                check(each)

    check(found)


def test_streamed_answers_are_documented() -> None:
    content = document()["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}


def test_names_of_parameters_are_those_of_the_wire() -> None:
    schemas = document()["components"]["schemas"]
    assert "schema" in schemas["Schema"]["properties"]
    assert schemas["ChatBody"]["additionalProperties"] is False
