"""What a wrong request is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ryzan.http.scripted import ScriptedService, app, call, post

CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "x"}


def fault(body: Any) -> dict[str, Any]:
    answer = post(ScriptedService(), CHAT, body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


FAULTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"messages": [USER]}, "model", None),
    ({"temprature": 1}, "temprature", "unknown_parameter"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role", None),
    ({"messages": [{"content": "x"}]}, "messages.0.role", None),
    ({"messages": [{"role": "user", "content": "x", "user": 1}]}, "messages.0.user", "unknown_parameter"),
    ({"messages": [{"role": "user"}]}, "messages.0.content", None),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id", None),
    ({"messages": [{"role": "user", "content": "x", "name": "n"}]}, "messages.0.name", "unknown_parameter"),
    ({"messages": [{"role": "assistant", "content": "x", "tool_calls": [{}]}]},
     "messages.0.tool_calls.0.id", None),
    ({"functions": [{}]}, "functions", "unsupported_parameter"),
    ({"function_call": {"name": "f"}}, "function_call", "unsupported_parameter"),
    ({"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name", None),
    ({"tools": [{"type": "web"}]}, "tools.0.type", None),
    ({"tool_choice": 5}, "tool_choice", None),
    ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.type", None),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice", None),
    ({"response_format": {"type": "xml"}}, "response_format.type", None),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", None),
    ({"response_format": {"type": "json_schema", "json_schema": {}}},
     "response_format.json_schema.name", None),
    ({"response_format": {"type": "json_object", "schema": {}}},
     "response_format.schema", "unknown_parameter"),
    ({"stop": ["a", ""]}, "stop.1", None),
    ({"stop": ""}, "stop", None),
    ({"top_logprobs": 2}, "top_logprobs", None),
    ({"logit_bias": {"x": 1}}, "logit_bias", None),
    ({"stream_options": {"x": 1}}, "stream_options.x", "unknown_parameter"),
    ({"sigmavault": {"cache": {"x": 1}}}, "sigmavault.cache.x", "unknown_parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "param", "code"), FAULTS, ids=[each[1] for each in FAULTS])
def test_fault_is_told_with_its_place(more: dict[str, Any], param: str, code: str | None) -> None:
    body = {"model": "m", "messages": [USER], **more}
    if param == "model":
        del body["model"]
    error = fault(body)
    assert (error["param"], error["code"]) == (param, code)
    assert error["message"]


def test_older_parameters_are_told_what_has_their_place() -> None:
    assert "use tools" in fault({"model": "m", "messages": [USER], "functions": [{}]})["message"]


def content(data: bytes) -> Any:
    return call(
        app(ScriptedService()), "POST", CHAT, content=data, headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff\xfe", b'"x"', b"[" * 100_000, b'{"model": "m", "temperature": NaN}',
     b'{"model": "m", "tools": [{"function": {"parameters": {"minimum": Infinity}}}]}'],
)  # fmt: skip
def test_what_is_no_json_object(data: bytes) -> None:
    answer = content(data)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (rb'{"model":"m","messages":[{"role":"user","content":"\ud800"}]}', "messages.0.content"),
        (rb'{"model":"m","tools":[{"function":{"description":"\uDFFF"}}]}', "tools.0.function.description"),
        (rb'{"model":"m","metadata":{"\uD83D":"x"}}', "metadata"),
    ],
)
def test_half_a_surrogate_pair_is_refused_wherever_it_is(body: bytes, place: str) -> None:
    answer = content(body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, place)


def test_whole_surrogate_pair_is_a_character() -> None:
    service = ScriptedService()
    data = rb'{"model":"m","messages":[{"role":"user","content":"\ud83d\ude00"}]}'
    answer = call(app(service), "POST", CHAT, content=data, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert service.wishes[0].prompt[0].content == "😀"  # type: ignore[index]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("GET", CHAT, 405), ("POST", "/health", 405), ("DELETE", "/v1/models", 405),
     ("GET", "/v1/models/gpt-4", 404), ("GET", "/v1/models/org/name.gguf", 404), ("GET", "/docs", 404)],
)  # fmt: skip
def test_routes_that_are_not_there(method: str, path: str, status: int) -> None:
    answer = call(app(ScriptedService()), method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert (status == 405) == ("allow" in answer.headers)


def test_failure_that_nobody_foresaw_tells_nothing_of_itself() -> None:
    service = ScriptedService([RuntimeError("inner detail")])  # type: ignore[list-item]
    service.answer = None  # type: ignore[method-assign,assignment]
    answer = post(service, CHAT, {"model": "m", "messages": [USER]})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "detail" not in answer.text
