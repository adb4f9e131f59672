"""Tools, formats and several choices over HTTP, answered by the real model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx
import jsonschema
import pytest

from tests.services.daemon import Ryzan
from tests.services.test_grammar_real import QUESTIONS
from tests.unit.core.grammar.schemas import obj

MODEL = "smollm2-135m-instruct"
CHAT = "/v1/chat/completions"
SHORT = {"type": "string", "minLength": 1, "maxLength": 20}
NUMBER = {"type": "integer", "minimum": 1, "maximum": 365}

PARAMETERS: dict[str, dict[str, Any]] = {
    "pool_status": obj("pool", pool={"enum": ["tank", "backup"]}, verbose={"type": "boolean"}),
    "snapshot": obj("dataset", "keep", dataset=SHORT, keep=NUMBER),
    "share": {
        **obj("name", "users", name=SHORT, users={"type": "array", "items": SHORT, "maxItems": 2}),
        "additionalProperties": False,
    },
    "set_limit": obj("limit", limit={"anyOf": [NUMBER, {"type": "null"}]}),
    "notify": obj("to", "at", to={"$ref": "#/$defs/person"}, at={"type": "string", "format": "time"})
    | {"$defs": {"person": obj("name", name={"type": "string", "pattern": "^[a-z]{2,8}$"})}},
}
UPTIME = {"type": "function", "function": {"name": "uptime", "description": "How long the machine runs."}}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": PARAMETERS[name]}}


def ask(text: str = "How is the pool tank?", **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": text}]
    return {"model": MODEL, "messages": said, "temperature": 0, "max_tokens": 100, **more}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def answer(ryzan: Ryzan, body: dict[str, Any]) -> dict[str, Any]:
    with ryzan.client() as client:
        told = client.post(CHAT, json=body)
    assert told.status_code == 200, told.text
    whole: dict[str, Any] = told.json()
    return whole


def choice(ryzan: Ryzan, body: dict[str, Any]) -> dict[str, Any]:
    (only,) = answer(ryzan, body)["choices"]
    return dict(only)


def refusal(ryzan: Ryzan, body: dict[str, Any], status: int = 400) -> dict[str, Any]:
    with ryzan.client() as client:
        told = client.post(CHAT, json=body)
    assert told.status_code == status, told.text
    error: dict[str, Any] = told.json()["error"]
    return error


def check(arguments: str, schema: dict[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(
        json.loads(arguments), schema, jsonschema.Draft202012Validator, format_checker=checker
    )


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_named_tool_is_called_with_arguments_of_its_schema(ryzan: Ryzan, name: str) -> None:
    tools = [*map(tool, PARAMETERS), UPTIME]
    body = ask(f"Use {name} now.", tools=tools, tool_choice=named(name), parallel_tool_calls=False)
    told = choice(ryzan, body)
    assert told["finish_reason"] == "tool_calls"
    assert told["message"]["content"] is None
    (call,) = told["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", name)
    assert len(call["id"]) == 29
    check(call["function"]["arguments"], PARAMETERS[name])


@pytest.mark.parametrize("temperature", [0, 1.3])
def test_a_required_call_is_one_of_the_tools(ryzan: Ryzan, temperature: float) -> None:
    tools = [*map(tool, PARAMETERS), UPTIME]
    body = ask(
        tools=tools, tool_choice="required", temperature=temperature, seed=4, parallel_tool_calls=False
    )
    told = choice(ryzan, body)
    assert told["finish_reason"] == "tool_calls"
    (call,) = told["message"]["tool_calls"]
    schema = PARAMETERS.get(call["function"]["name"], {"type": "object", "maxProperties": 0})
    check(call["function"]["arguments"], schema)


def test_a_tool_that_takes_nothing_gets_an_empty_object(ryzan: Ryzan) -> None:
    told = choice(ryzan, ask(tools=[UPTIME], tool_choice="required", parallel_tool_calls=False))
    assert [each["function"] for each in told["message"]["tool_calls"]] == [
        {"name": "uptime", "arguments": "{}"}
    ]


def test_several_calls_have_ids_of_their_own(ryzan: Ryzan) -> None:
    told = choice(ryzan, ask(tools=[UPTIME], tool_choice="required", max_tokens=160))
    assert told["finish_reason"] == "tool_calls"
    calls = told["message"]["tool_calls"]
    assert len({each["id"] for each in calls}) == len(calls) >= 1


CALL = '<tool_call>\n{"name": "uptime", "arguments": {}}\n</tool_call>'


def test_auto_calls_a_tool_or_answers(ryzan: Ryzan) -> None:
    """The model has seen that questions of this kind are answered by a call, and the others by words."""
    shown: list[dict[str, Any]] = []
    for at in range(3):
        call = {"id": f"c{at}", "type": "function", "function": {"name": "uptime", "arguments": "{}"}}
        shown += [
            {"role": "user", "content": "How long does the machine run?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{at}", "content": "5 days"},
            {"role": "assistant", "content": "It has been running for 5 days."},
        ]
    body = ask(tools=[UPTIME], max_tokens=60)
    called = {**body, "messages": [*shown, {"role": "user", "content": "How long does the machine run?"}]}
    told = choice(ryzan, called)
    assert told["finish_reason"] == "tool_calls", told
    assert told["message"]["tool_calls"][0]["function"]["name"] == "uptime"
    free = choice(ryzan, {**body, "messages": [{"role": "user", "content": "What is two and two?"}]})
    assert free["message"]["content"].strip()
    assert "tool_calls" not in free["message"]


def test_none_is_as_if_there_were_no_tools(ryzan: Ryzan) -> None:
    silent = answer(ryzan, ask(tools=[UPTIME], tool_choice="none", max_tokens=12))
    plain = answer(ryzan, ask(max_tokens=12))
    assert silent["choices"] == plain["choices"]
    assert silent["usage"]["prompt_tokens"] == plain["usage"]["prompt_tokens"]


def test_a_call_that_is_cut_off_is_text(ryzan: Ryzan) -> None:
    told = choice(ryzan, ask(tools=[UPTIME], tool_choice="required", max_tokens=5))
    assert told["finish_reason"] == "length"
    assert told["message"]["content"].startswith("<tool_call>"[:5])
    assert "tool_calls" not in told["message"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_satisfies_its_schema(ryzan: Ryzan, question: str) -> None:
    schema = QUESTIONS[question]
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    if schema.get("additionalProperties") is False and set(schema["properties"]) == set(schema["required"]):
        form["json_schema"]["strict"] = True  # type: ignore[index]
    system = {"role": "system", "content": f"Answer with JSON of this schema: {json.dumps(schema)}"}
    body = ask(question, response_format=form, max_tokens=160)
    told = choice(ryzan, {**body, "messages": [system, *body["messages"]]})
    assert told["finish_reason"] == "stop", told
    check(told["message"]["content"], schema)


def test_json_mode_answers_with_an_object(ryzan: Ryzan) -> None:
    body = ask("Answer in JSON: name and age of a person.", response_format={"type": "json_object"})
    told = choice(ryzan, body)
    assert told["message"]["content"].startswith("{")
    if told["finish_reason"] == "stop":
        assert isinstance(json.loads(told["message"]["content"]), dict)


def test_an_answer_in_a_form_that_is_cut_off_says_so(ryzan: Ryzan) -> None:
    schema = obj("text", text={"type": "string", "minLength": 200})
    form = {"type": "json_schema", "json_schema": {"name": "text", "schema": schema}}
    assert choice(ryzan, ask(response_format=form, max_tokens=8))["finish_reason"] == "length"


def test_auto_beside_a_format_calls_or_has_the_format(ryzan: Ryzan) -> None:
    schema = obj("ok", ok={"type": "boolean"})
    form = {"type": "json_schema", "json_schema": {"name": "ok", "schema": schema, "strict": True}}
    body = ask(tools=[UPTIME], response_format=form, temperature=1.2, n=4, seed=1, parallel_tool_calls=False)
    for each in answer(ryzan, body)["choices"]:
        if each["finish_reason"] == "tool_calls":
            assert each["message"]["tool_calls"][0]["function"] == {"name": "uptime", "arguments": "{}"}
        else:
            assert each["finish_reason"] == "stop"
            check(each["message"]["content"], schema)


@pytest.mark.parametrize(
    ("more", "param", "word"),
    [
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}]},
         "tools[0].function.parameters", "object"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"not": {}}}}},
         "response_format", "not"),
        ({"response_format": {"type": "json_schema", "json_schema": {
            "name": "a", "strict": True, "schema": {"type": "object"}}}},
         "response_format", "strict"),
    ],
)  # fmt: skip
def test_what_cannot_be_held_is_refused(ryzan: Ryzan, more: dict[str, Any], param: str, word: str) -> None:
    error = refusal(ryzan, ask(**more))
    assert error["param"] == param
    assert word in error["message"]


def test_a_grammar_is_taken_from_root_only(ryzan: Ryzan) -> None:
    body = ask(grammar='root ::= "yes" | "no"')
    assert "root" in refusal(ryzan, body, 403)["message"]
    with ryzan.unix_client() as client:
        told = client.post(CHAT, json=body)
    assert told.status_code == 200, told.text
    assert told.json()["choices"][0]["message"]["content"] in ("yes", "no")


def chunks(client: httpx.Client, body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    with client.stream("POST", CHAT, json={**body, "stream": True}) as told:
        assert told.status_code == 200
        for line in told.iter_lines():
            if line.startswith("data: {"):
                yield from json.loads(line.removeprefix("data: "))["choices"]


def assemble(client: httpx.Client, body: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What a client makes of a stream: per choice its content, its calls, why it ended."""
    found: dict[int, dict[str, Any]] = {}
    for each in chunks(client, body):
        kept = found.setdefault(each["index"], {"content": "", "calls": [], "finish": None, "logprobs": []})
        kept["content"] += each["delta"].get("content") or ""
        kept["finish"] = each["finish_reason"] or kept["finish"]
        kept["logprobs"] += (each["logprobs"] or {}).get("content", [])
        for call in each["delta"].get("tool_calls", ()):
            if call["index"] == len(kept["calls"]):
                assert call["id"]
                kept["calls"].append([call["function"]["name"], ""])
            kept["calls"][call["index"]][1] += call["function"]["arguments"]
    return found


def whole(ryzan: Ryzan, body: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {
        each["index"]: {
            "content": each["message"]["content"] or "",
            "calls": [
                [call["function"]["name"], call["function"]["arguments"]]
                for call in each["message"].get("tool_calls", ())
            ],
            "finish": each["finish_reason"],
            "logprobs": (each["logprobs"] or {}).get("content", []),
        }
        for each in answer(ryzan, body)["choices"]
    }


SEA = "Write one sentence about the sea."
STREAMED: dict[str, dict[str, Any]] = {
    "calls": ask(tools=[tool("pool_status")], tool_choice="required", parallel_tool_calls=False),
    "text beside tools": ask(SEA, tools=[UPTIME], max_tokens=4),
    "log probabilities beside tools": ask(SEA, tools=[UPTIME], max_tokens=4, logprobs=True),
    "a cut call": ask(tools=[UPTIME], tool_choice="required", max_tokens=6),
    "three choices": ask(SEA, n=3, max_tokens=4),
    "a format": ask(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "p", "schema": QUESTIONS["Is the sky blue?"]},
        }
    ),
}
"""Short ones: how a prompt was computed before shows in the last digits, and so in long answers."""


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_is_the_whole_answer(ryzan: Ryzan, name: str) -> None:
    body = STREAMED[name]
    with ryzan.client() as client:
        streamed = assemble(client, body)
    expected = whole(ryzan, body)
    for kept in (streamed, expected):
        for each in kept.values():
            each["logprobs"] = [token["token"] for token in each["logprobs"]]
    assert streamed == expected
    if body.get("logprobs"):
        assert "".join(expected[0]["logprobs"]) == expected[0]["content"]


def test_choices_differ_and_come_again_with_their_seed(ryzan: Ryzan) -> None:
    """Most of them: what is computed beside others differs in the last digits, which may tip a choice."""
    body = ask("Name an animal.", n=8, temperature=2, top_k=4, seed=21, max_tokens=2)

    def texts(**more: Any) -> list[str]:
        return [each["message"]["content"] for each in answer(ryzan, {**body, **more})["choices"]]

    def agree(left: list[str], right: list[str]) -> int:
        return sum(a == b for a, b in zip(left, right, strict=True))

    told = texts()
    assert len(set(told)) > 3
    alone = [texts(n=1, seed=21 + at)[0] for at in range(8)]
    same = sum(agree(told, each) for each in (texts(), texts(), alone))
    others = sum(agree(told, texts(seed=seed)) for seed in (100, 200, 300))
    assert same >= others + 6


def test_a_prompt_counts_once_however_many_choices(ryzan: Ryzan) -> None:
    one, three = (answer(ryzan, ask(n=n, temperature=1, max_tokens=4))["usage"] for n in (1, 3))
    assert three["prompt_tokens"] == one["prompt_tokens"]
    assert one["completion_tokens"] <= 4 < three["completion_tokens"] <= 12


def test_greedy_choices_are_equal(ryzan: Ryzan) -> None:
    told = answer(ryzan, ask(n=3, max_tokens=8))
    assert [each["index"] for each in told["choices"]] == [0, 1, 2]
    assert len({each["message"]["content"] for each in told["choices"]}) == 1
    assert told["usage"]["completion_tokens"] == 24
