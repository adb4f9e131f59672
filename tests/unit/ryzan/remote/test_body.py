from __future__ import annotations

import pytest
from sigmavault.core.chat import EmbedRequest, Message, Role, Text, Tokens, Tool, ToolCall
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.wish import JsonFormat, ToolChoice, ToolMode, Wish
from sigmavault.ryzan.remote.body import spell, spell_embedding

HELLO = (Message(role=Role.USER, content="x"),)


def test_what_is_left_open_is_not_said() -> None:
    assert spell(Wish(prompt=HELLO), "m") == (
        "chat/completions",
        {
            "model": "m",
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [{"role": "user", "content": "x"}],
        },
    )


def test_all_of_a_wish_is_said() -> None:
    call = ToolCall(id="c", name="t", arguments="{}")
    wish = Wish(
        prompt=(
            *HELLO,
            Message(role=Role.ASSISTANT, tool_calls=(call,)),
            Message(role=Role.TOOL, content="1", tool_call_id="c"),
        ),
        temperature=0.0, top_p=0.5, top_k=3, min_p=0.1, seed=7, frequency_penalty=1, presence_penalty=1,
        repeat_penalty=1.1, logit_bias=((5, -1.0),), max_tokens=9, stop=("\n",), choices=2, top_logprobs=3,
        tools=(Tool(name="t", parameters={"type": "object"}),), parallel_tool_calls=False,
        tool_choice=ToolChoice(mode=ToolMode.NAMED, name="t"),
    )  # fmt: skip
    _, body = spell(wish, "m")
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "t", "arguments": "{}"}
    assert body["messages"][2]["tool_call_id"] == "c"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "t"}}
    assert (body["temperature"], body["n"], body["stop"], body["logit_bias"]) == (0.0, 2, ["\n"], {"5": -1.0})
    assert (body["logprobs"], body["top_logprobs"], body["parallel_tool_calls"]) == (True, 3, False)
    assert {"top_p", "top_k", "min_p", "seed", "frequency_penalty", "presence_penalty", "repeat_penalty",
            "max_tokens", "tools"} <= set(body)  # fmt: skip


def test_schemas() -> None:
    _, body = spell(
        Wish(prompt=HELLO, response_format=JsonFormat(schema={"type": "object"}, strict=True)), "m"
    )
    assert body["response_format"]["json_schema"]["strict"] is True
    _, body = spell(Wish(prompt=HELLO, response_format=JsonFormat()), "m")
    assert body["response_format"] == {"type": "json_object"}


def test_texts_and_tokens_are_continued() -> None:
    assert spell(Wish(prompt=Text(text="Once")), "m")[0] == "completions"
    assert spell(Wish(prompt=Tokens(tokens=(1, 2))), "m")[1]["prompt"] == [1, 2]


def test_what_the_api_has_no_word_for_is_refused_not_dropped() -> None:
    with pytest.raises(InvalidRequestError, match="grammars"):
        spell(Wish(prompt=HELLO, grammar='root ::= "a"'), "m")
    with pytest.raises(InvalidRequestError):
        spell_embedding(EmbedRequest(inputs=(Text(text="a"), Tokens(tokens=(1,)))), "m")


def test_embeddings() -> None:
    assert spell_embedding(EmbedRequest(inputs=(Text(text="a"),)), "m")["input"] == ["a"]
