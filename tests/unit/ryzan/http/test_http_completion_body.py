from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sigmavault.core.chat import Text, Tokens
from sigmavault.core.wish import Caller, Wish
from sigmavault.ryzan.http.completion_body import CompletionBody

ME = Caller(space="local")


def wishes(**more: Any) -> tuple[Wish, ...]:
    return CompletionBody.model_validate({"model": "m", "prompt": "a", **more}).wishes(ME)


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("a", [Text(text="a")]),
        ("", [Text(text="")]),
        (["a", "b"], [Text(text="a"), Text(text="b")]),
        ([1, 2], [Tokens(tokens=(1, 2))]),
        ([1.0], [Tokens(tokens=(1,))]),
        ([[1], [2, 3]], [Tokens(tokens=(1,)), Tokens(tokens=(2, 3))]),
    ],
)
def test_prompts_in_every_shape(prompt: Any, read: list[Any]) -> None:
    assert [each.prompt for each in wishes(prompt=prompt)] == read


@pytest.mark.parametrize(
    "prompt",
    [None, 5, [], [[]], ["a", 1], ["a", [1]], [1, "a"], [True], [-1], [2**31], [1.5], ["x"] * 17, {}],
)
def test_what_is_no_prompt(prompt: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        wishes(prompt=prompt)
    assert refused.value.errors()[0]["loc"] == ("prompt",)


def test_what_is_asked_arrives() -> None:
    (made,) = wishes(logprobs=5, n=2, best_of=2, max_tokens=7, stop=["a"], echo=False, suffix="", top_k=1)
    assert made == Wish(
        prompt=Text(text="a"), top_logprobs=5, choices=2, max_tokens=7, stop=("a",), top_k=1, caller=ME
    )


def test_sixteen_tokens_unless_told() -> None:
    assert wishes()[0].max_tokens == 16


@pytest.mark.parametrize(
    "more",
    [{"echo": True}, {"suffix": "x"}, {"best_of": 2}, {"n": 2, "best_of": 3}, {"logprobs": 6},
     {"logprobs": True}, {"prompt": ["x"] * 8, "n": 5}, {"messages": []}, {"tools": []}],
)  # fmt: skip
def test_what_cannot_be_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wishes(**more)
