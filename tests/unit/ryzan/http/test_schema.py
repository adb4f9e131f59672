from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sigmavault.core.chat import Message, Role
from sigmavault.ryzan.http.schema import UNSUPPORTED, ChatBody

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def wish(**more: Any) -> Any:
    return ChatBody.model_validate({**HELLO, **more}).wish()


def test_what_is_asked_arrives() -> None:
    made = wish(temperature=0.5, top_p=1, seed=-1, stop="x", max_tokens=3, max_completion_tokens=4)
    assert made.prompt == (Message(role=Role.USER, content="Hello"),)
    assert (made.temperature, made.top_p, made.seed) == (0.5, 1, -1)
    assert (made.stop, made.max_tokens) == (("x",), 4)


def test_silence_leaves_the_choice_to_the_model() -> None:
    made = wish(temperature=None, stop=None)
    assert (made.temperature, made.top_p, made.max_tokens, made.stop) == (None, None, None, ())


def test_developer_is_system_and_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = {**HELLO, "messages": [{"role": "developer", "content": parts}]}
    assert ChatBody.model_validate(body).wish().prompt == (Message(role=Role.SYSTEM, content="ab"),)


NEUTRAL: dict[str, list[Any]] = {
    "n": [1],
    "frequency_penalty": [0, 0.0],
    "presence_penalty": [0],
    "logprobs": [False],
    "logit_bias": [{}],
    "tools": [[]],
    "tool_choice": ["none", "auto"],
    "response_format": [{"type": "text"}],
    "modalities": [["text"]],
    "service_tier": ["auto"],
    "store": [False],
    "parallel_tool_calls": [True, False],
}
ASKING: dict[str, list[Any]] = {
    "n": [0, 2, 1.5],
    "frequency_penalty": [0.1, -1],
    "logprobs": [True],
    "top_logprobs": [3],
    "logit_bias": [{"5": 10}],
    "tools": [[{}]],
    "tool_choice": ["required", {"type": "function"}],
    "functions": [[{}]],
    "response_format": [{"type": "json_object"}, {"type": "json_schema"}],
    "modalities": [["audio"]],
    "audio": [{}],
    "prediction": [{}],
    "reasoning_effort": ["low"],
    "store": [True],
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
     {"stop": 5}, {"stream": 1}, {"max_tokens": True}, {"model": None}, {"messages": "x"}],
)  # fmt: skip
def test_wrong_values(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wish(**more)
