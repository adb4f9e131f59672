from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sigmavault.core.chat import Message, Role, Tool, ToolCall
from sigmavault.core.wish import AnswerCaching, Caller, JsonFormat, ToolChoice, ToolMode, Wish
from sigmavault.ryzan.http.chat_body import UNSUPPORTED, ChatBody

USER = {"role": "user", "content": "Hello"}
HELLO = {"model": "m", "messages": [USER]}
ME = Caller(space="uid:1")
TOOL = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}


def wish(**more: Any) -> Wish:
    return ChatBody.model_validate({**HELLO, **more}).wish(ME)


def fault(**more: Any) -> tuple[str, str]:
    """Where, and what is said."""
    with pytest.raises(ValidationError) as refused:
        wish(**more)
    first = refused.value.errors()[0]
    told = first.get("ctx", {}).get("param")
    return told or ".".join(map(str, first["loc"])), first["msg"]


def test_what_is_asked_arrives() -> None:
    made = wish(
        temperature=0.5, top_p=1, top_k=3, min_p=0.1, seed=-1, stop="x", frequency_penalty=-2,
        presence_penalty=1.5, repeat_penalty=1.1, logit_bias={"7": -100, "8": 1.5}, n=3,
        grammar='root ::= "a"', prompt_cache_key="agent", logprobs=True, top_logprobs=4,
    )  # fmt: skip
    assert made == Wish(
        prompt=(Message(role=Role.USER, content="Hello"),), temperature=0.5, top_p=1, top_k=3, min_p=0.1,
        seed=-1, stop=("x",), frequency_penalty=-2, presence_penalty=1.5, repeat_penalty=1.1,
        logit_bias=((7, -100.0), (8, 1.5)), choices=3, grammar='root ::= "a"', cache_key="agent",
        top_logprobs=4, caller=ME,
    )  # fmt: skip


def test_silence_leaves_the_choice_to_the_model() -> None:
    made = wish(temperature=None, stop=None, n=None, logit_bias=None, tools=None, response_format=None)
    assert made == Wish(prompt=(Message(role=Role.USER, content="Hello"),), caller=ME)


def test_integer_may_be_spelt_with_a_point() -> None:
    made = wish(max_tokens=4.0, n=2.0, seed=-1.0, top_k=3.0)
    assert (made.max_tokens, made.choices, made.seed, made.top_k) == (4, 2, -1, 3)
    assert fault(max_tokens=4.5)[0] == "max_tokens"
    assert fault(max_tokens=1e300)[0] == "max_tokens"


def test_newer_limit_wins_over_the_older_one() -> None:
    assert wish(max_tokens=3, max_completion_tokens=4).max_tokens == 4
    assert wish(max_tokens=3).max_tokens == 3


def test_logprobs_without_a_number_are_those_of_the_chosen_tokens() -> None:
    assert wish(logprobs=True).top_logprobs == 0
    assert wish(logprobs=False).top_logprobs is None


def test_developer_is_system_and_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    made = wish(messages=[{"role": "developer", "content": parts}])
    assert made.prompt == (Message(role=Role.SYSTEM, content="ab"),)


def test_answer_cache_is_asked_by_the_extension() -> None:
    made = wish(sigmavault={"cache": {"enabled": False, "facts": "f", "similarity": 0.9}})
    assert made.caching == AnswerCaching(enabled=False, facts="f", similarity=0.9)
    assert fault(sigmavault={"cache": {"similarity": 2}})[0] == "sigmavault.cache.similarity"


def test_tools_arrive() -> None:
    made = wish(tools=[TOOL], parallel_tool_calls=False)
    assert made.tools == (Tool(name="read", parameters={"type": "object"}),)
    assert (made.tool_choice, made.parallel_tool_calls) == (ToolChoice(), False)
    named = wish(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "read"}})
    assert named.tool_choice == ToolChoice(mode=ToolMode.NAMED, name="read")
    for mode in ("auto", "none", "required"):
        assert wish(tools=[TOOL], tool_choice=mode).tool_choice.mode == mode


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0.type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "sometimes"}, "tool_choice"),
        ({"grammar": "x", "tools": [TOOL]}, "grammar"),
        ({"grammar": "x", "response_format": {"type": "json_object"}}, "grammar"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"n": 9}, "n"),
        ({"n": 0}, "n"),
        ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
        ({"logit_bias": {"a": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is(more: dict[str, Any], place: str) -> None:
    assert fault(**more)[0].startswith(place)


def call(number: str = "c1", name: str = "read", arguments: str = "{}") -> dict[str, Any]:
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(number: str = "c1", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": number, "content": "42", **more}


def test_calls_and_their_results_arrive() -> None:
    assistant = {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]}
    made = wish(messages=[USER, assistant, result("b"), result("a", name="read"), USER])
    assert made.prompt[1:4] == (  # type: ignore[index]
        Message(
            role=Role.ASSISTANT,
            tool_calls=tuple(ToolCall(id=each, name="read", arguments="{}") for each in "ab"),
        ),
        Message(role=Role.TOOL, content="42", tool_call_id="b"),
        Message(role=Role.TOOL, content="42", tool_call_id="a"),
    )


def said(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([USER, result()], "messages.1.tool_call_id"),
        ([USER, said(call("a")), result("b")], "messages.2.tool_call_id"),
        ([USER, said(call()), result(), result()], "messages.3.tool_call_id"),
        ([USER, said(call()), USER], "messages.2"),
        ([USER, said(call())], "messages"),
        ([USER, said(call(), call()), result()], "messages.1.tool_calls.1.id"),
        ([USER, said(call(arguments="{"), call())], "messages.1.tool_calls.0.function.arguments"),
        ([USER, said(call(arguments="[]"))], "messages.1.tool_calls.0.function.arguments"),
        ([USER, said(call(arguments="[" * 9999))], "messages.1.tool_calls.0.function.arguments"),
        ([USER, said(call()), result(name="write")], "messages.2.name"),
        ([USER, {"role": "assistant", "content": None}], "messages.1.content"),
        ([USER, {"role": "assistant"}], "messages.1.content"),
    ],
)
def test_calls_and_results_must_belong_together(messages: list[Any], place: str) -> None:
    assert fault(messages=messages)[0] == place


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_part_that_is_no_text_is_named(kind: str) -> None:
    parts = [{"type": "text", "text": "x"}, {"type": kind, kind: {}}]
    place, message = fault(messages=[{"role": "user", "content": parts}])
    assert place == "messages.0.user.content"
    assert "part 1" in message
    assert kind in message


def test_formats_arrive() -> None:
    schema = {"type": "object", "properties": {}}
    told = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    assert wish(response_format=told).response_format == JsonFormat(schema=schema, name="n", strict=True)
    assert wish(response_format={"type": "json_object"}).response_format == JsonFormat()
    assert wish(response_format={"type": "text"}).response_format is None


NEUTRAL: dict[str, list[Any]] = {
    "n": [1],
    "frequency_penalty": [0, 0.0],
    "presence_penalty": [0],
    "logprobs": [False],
    "top_logprobs": [0],
    "logit_bias": [{}],
    "functions": [[]],
    "function_call": ["none"],
    "tools": [[]],
    "tool_choice": ["none", "auto"],
    "response_format": [{"type": "text"}],
    "modalities": [["text"]],
    "service_tier": ["auto"],
    "store": [False],
    "parallel_tool_calls": [True],
    "metadata": [{"a": "b"}],
    "user": ["me"],
}
ASKING: dict[str, list[Any]] = {
    "functions": [[{}]],
    "function_call": ["auto"],
    "modalities": [["audio"]],
    "audio": [{}],
    "prediction": [{}],
    "reasoning_effort": ["low"],
    "store": [True],
    "verbosity": ["low"],
    "web_search_options": [{}],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in NEUTRAL.items() for v in [None, *vs]])
def test_value_that_asks_for_nothing_is_accepted(name: str, value: Any) -> None:
    assert wish(**{name: value}) == wish()


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in ASKING.items() for v in vs])
def test_value_that_asks_for_what_is_not_there_is_refused(name: str, value: Any) -> None:
    assert name in UNSUPPORTED
    with pytest.raises(ValidationError) as refused:
        wish(**{name: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {name}


@pytest.mark.parametrize(
    "more",
    [{"temperature": -1}, {"temperature": float("nan")}, {"top_p": 2}, {"seed": 2**63}, {"seed": "1"},
     {"stop": 5}, {"stream": 1}, {"max_tokens": True}, {"model": None}, {"model": ""}, {"messages": "x"},
     {"stream_options": {"include_obfuscation": True}}, {"temprature": 1}],
)  # fmt: skip
def test_wrong_values(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wish(**more)
