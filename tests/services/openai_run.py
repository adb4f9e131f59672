"""One version of OpenAI's official client against a running service; prints what came of each check as JSON.

openai_run.py URL MODEL KEY WORKER_PID, with the client's folder in PYTHONPATH. A process of its own,
because three versions of one package do not fit into one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import openai
from pydantic import BaseModel

URL, MODEL, KEY, WORKER = sys.argv[1:5]
VECTORS = "local/bert"
ASK: Any = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Write one sentence about the sea."}],
    "temperature": 0,
    "max_tokens": 12,
}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED: Any = {"type": "function", "function": {"name": "get_weather"}}

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=90)


class City(BaseModel):
    name: str
    big: bool


def models() -> None:
    assert MODEL in [each.id for each in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL


def chat() -> None:
    answer = client.chat.completions.create(**ASK)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens is not None


def stream() -> None:
    whole = client.chat.completions.create(**ASK)
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options=options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def logprobs() -> None:
    answer = client.chat.completions.create(**ASK, logprobs=True, top_logprobs=2)
    assert answer.choices[0].logprobs is not None
    found = answer.choices[0].logprobs.content
    assert found is not None
    assert len(found) == 12
    assert all(len(each.top_logprobs) == 2 and each.logprob <= 0 for each in found)


def choices() -> None:
    answer = client.chat.completions.create(**{**ASK, "temperature": 1.2}, n=3, seed=5)
    assert [each.index for each in answer.choices] == [0, 1, 2]
    assert all(each.message.content for each in answer.choices)
    assert len({each.message.content for each in answer.choices}) > 1


def answer_given_back() -> None:
    message = client.chat.completions.create(**ASK).choices[0].message
    more: Any = [*ASK["messages"], message, {"role": "user", "content": "And one more."}]
    assert client.chat.completions.create(**{**ASK, "messages": more}).choices[0].message.content


def tools() -> None:
    more: Any = {"tools": [WEATHER], "max_tokens": 64, "parallel_tool_calls": False}
    answer = client.chat.completions.create(**{**ASK, **more}, tool_choice=NAMED)
    assert answer.choices[0].finish_reason == "tool_calls"
    message = answer.choices[0].message
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in ("Oslo", "Rome")
    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
    talk: Any = [*ASK["messages"], message, result]
    again = client.chat.completions.create(**{**ASK, **more, "messages": talk}, tool_choice="none")
    assert again.choices[0].message.content


def streamed_tools() -> None:
    body: Any = {**ASK, "tools": [WEATHER], "max_tokens": 64, "parallel_tool_calls": False}
    chunks = list(client.chat.completions.create(**body, tool_choice="required", stream=True))
    calls = [each for chunk in chunks for each in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].id
    assert calls[0].function is not None
    assert calls[0].function.name == "get_weather"
    arguments = "".join(
        (each.function and each.function.arguments) or "" for each in calls if each.index == 0
    )
    assert json.loads(arguments)["city"] in ("Oslo", "Rome")
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def parsed() -> None:
    talk: Any = [{"role": "user", "content": "Is Rome a big city?"}]
    completions: Any = client.chat.completions
    if not hasattr(completions, "parse"):  # before version 1.92
        completions = client.beta.chat.completions
    answer = completions.parse(model=MODEL, messages=talk, response_format=City, temperature=0, max_tokens=96)
    assert isinstance(answer.choices[0].message.parsed, City)


def legacy_completions() -> None:
    answer = client.completions.create(
        model=MODEL, prompt=["Once upon a time", "The sea is"], max_tokens=5, temperature=0, logprobs=2
    )
    assert [each.index for each in answer.choices] == [0, 1]
    assert answer.choices[0].logprobs is not None
    assert len(answer.choices[0].logprobs.tokens or ()) == 5
    chunks = list(
        client.completions.create(model=MODEL, prompt="The sea is", max_tokens=5, temperature=0, stream=True)
    )
    assert "".join(chunk.choices[0].text for chunk in chunks) == answer.choices[1].text


def embeddings() -> None:
    """The client asks for base64 by itself and decodes it."""
    answer = client.embeddings.create(model=VECTORS, input=["The disk is full", "my photos"])
    assert [each.index for each in answer.data] == [0, 1]
    assert abs(sum(number * number for number in answer.data[0].embedding) - 1) < 1e-4
    plain = client.embeddings.create(model=VECTORS, input="my photos", encoding_format="float")
    pairs = zip(plain.data[0].embedding, answer.data[1].embedding, strict=True)
    assert max(abs(one - other) for one, other in pairs) < 1e-4
    raises(openai.BadRequestError, lambda: client.embeddings.create(model=MODEL, input="x"))


def raises(kind: type[openai.APIError], work: Callable[[], object], code: str | None = None) -> None:
    try:
        work()
    except kind as error:
        assert type(error) is kind, type(error)
        assert code is None or error.code == code, error.code
        return
    raise AssertionError(f"no {kind.__name__}")


def errors() -> None:
    create = client.chat.completions.create
    raises(openai.NotFoundError, lambda: create(**{**ASK, "model": "gpt-4"}), "model_not_found")
    raises(openai.BadRequestError, lambda: create(**{**ASK, "temperature": 3}))
    raises(openai.BadRequestError, lambda: create(**ASK, extra_body={"x": 1}), "unknown_parameter")
    long: Any = [{"role": "user", "content": "word " * 20_000}]
    raises(openai.BadRequestError, lambda: create(**{**ASK, "messages": long}), "context_length_exceeded")
    stranger = client.with_options(api_key="wrong")
    raises(openai.AuthenticationError, lambda: stranger.models.list(), "invalid_api_key")
    huge: Any = [{"role": "user", "content": "x" * 5_000_000}]
    raises(openai.APIStatusError, lambda: create(**{**ASK, "messages": huge}))


def request_number() -> None:
    answer = client.chat.completions.with_raw_response.create(**ASK)
    assert str(answer.headers["x-request-id"]).startswith("req_")
    assert answer.headers["x-sigmavault-model"] == MODEL


def failure_in_the_middle() -> None:
    """Last: it kills the model's process."""
    endless = {"0": -100, "2": -100}  # SmolLM2's end tokens
    long: Any = {**ASK, "max_tokens": 2000, "temperature": 1.3, "logit_bias": endless}

    def work() -> None:
        for at, _chunk in enumerate(client.chat.completions.create(**long, stream=True)):
            if at == 2:
                os.kill(int(WORKER), signal.SIGKILL)

    raises(openai.APIError, work, "model_worker_lost")


CHECKS = (
    models, chat, stream, logprobs, choices, answer_given_back, tools, streamed_tools, parsed,
    legacy_completions, embeddings, errors, request_number, failure_in_the_middle,
)  # fmt: skip


def main() -> None:
    told = {"version": openai.__version__}
    for check in CHECKS:
        try:
            check()
            told[check.__name__] = "ok"
        except Exception:
            told[check.__name__] = traceback.format_exc(limit=-3)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
