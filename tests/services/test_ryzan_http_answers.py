"""What the HTTP API promises of answers, kept by real models: SmolLM2 and a tiny embedding model."""

from __future__ import annotations

import base64
import json
import math
import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.services import models
from tests.services.daemon import Ryzan, SystemBus

CHAT, LEGACY, EMBED = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
MODEL, VECTORS = "smollm2-135m-instruct", "local/bert"
FRANCE, FRANCE_TOKENS = "The capital of France is", [504, 3575, 282, 4649, 314]
PARIS, THE = 7042, 260
"""Numbers of " Paris" and " the" in SmolLM2's vocabulary."""

YES_NO = 'root ::= "yes" | "no"'
CITY = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "big": {"type": "boolean"}},
    "required": ["name", "big"],
    "additionalProperties": False,
}


def tool(name: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": "x", "parameters": schema}}


@pytest.fixture(scope="module")
def both(
    system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    folder = tmp_path_factory.mktemp("vectors")
    folder.chmod(0o755)
    models.make("bert", folder)
    folders = f"{ryzan_env['SIGMAVAULT_MODELS']}{os.pathsep}{folder}"
    env = {**ryzan_env, "SIGMAVAULT_MODELS": folders}
    service = Ryzan(bus=system_bus, folder=tmp_path_factory.mktemp("both"), env=env)
    try:
        service.wait_ready()
        service.wait_state("ready")
        yield service
    finally:
        service.stop()


def post(ryzan: Ryzan, path: str, body: dict[str, Any]) -> Any:
    answer = ryzan.client().post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(ryzan: Ryzan, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = ryzan.client().post(path, json=body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def ask(text: str = "Write one sentence about the sea.", **more: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {"model": MODEL, "messages": [message], "temperature": 0, "max_tokens": 16, **more}


def only(body: Any) -> dict[str, Any]:
    (choice,) = body["choices"]
    found: dict[str, Any] = choice
    return found


def test_choices_are_as_many_as_asked_for(both: Ryzan) -> None:
    body = post(both, CHAT, ask(n=3, temperature=1.2, seed=3))
    assert [each["index"] for each in body["choices"]] == [0, 1, 2]
    texts = [each["message"]["content"] for each in body["choices"]]
    assert all(texts)
    assert len(set(texts)) == 3
    assert 3 <= body["usage"]["completion_tokens"] <= 48
    assert body["usage"]["prompt_tokens"] == post(both, CHAT, ask())["usage"]["prompt_tokens"]


def test_logprobs_are_of_the_tokens_that_were_taken(both: Ryzan) -> None:
    choice = only(post(both, CHAT, ask(logprobs=True, top_logprobs=5)))
    found = choice["logprobs"]["content"]
    assert "".join(each["token"] for each in found) == choice["message"]["content"]
    for each in found:
        top = each["top_logprobs"]
        assert len(top) == 5
        assert top[0]["token"] == each["token"]  # greedy
        assert top[0]["logprob"] == pytest.approx(each["logprob"])
        assert [other["logprob"] for other in top] == sorted((o["logprob"] for o in top), reverse=True)
        assert sum(math.exp(other["logprob"]) for other in top) <= 1.0001
        assert bytes(each["bytes"]).decode() == each["token"]


def test_bias_forbids_a_token_and_forces_another(both: Ryzan) -> None:
    body: dict[str, Any] = {"model": MODEL, "prompt": FRANCE, "temperature": 0, "max_tokens": 1}
    free = only(post(both, LEGACY, body))["text"]
    forced = only(post(both, LEGACY, {**body, "logit_bias": {str(THE): 100}}))["text"]
    assert forced == " the" != free
    both_ways = {str(THE): 100, str(PARIS): 100}
    forbidden = only(post(both, LEGACY, {**body, "logit_bias": {**both_ways, str(THE): -100}}))["text"]
    assert forbidden == " Paris"


def test_grammar_of_root_shapes_the_answer(both: Ryzan) -> None:
    legacy = {"model": MODEL, "prompt": "Is the sea wet?", "grammar": YES_NO, "temperature": 0}
    with both.unix_client() as client:
        chat = client.post(CHAT, json=ask("Is the sea wet?", grammar=YES_NO)).json()
        assert only(chat)["message"]["content"] in ("yes", "no")
        assert only(client.post(LEGACY, json=legacy).json())["text"] in ("yes", "no")


@pytest.mark.parametrize("grammar", ["x", 'rot ::= "a"', 'root ::= "a" | other', "root ::= root"])
def test_grammar_that_is_none_is_refused(both: Ryzan, grammar: str) -> None:
    with both.unix_client() as client:
        answer = client.post(CHAT, json=ask(grammar=grammar))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "grammar"), answer.text


def test_grammar_of_anybody_else_is_refused(both: Ryzan) -> None:
    """llama.cpp's parser of grammars was not made for hostile ones."""
    assert both.client().post(CHAT, json=ask(grammar=YES_NO)).status_code == 403


def test_json_object(both: Ryzan) -> None:
    body = ask("Rome as JSON.", response_format={"type": "json_object"}, max_tokens=200)
    choice = only(post(both, CHAT, body))
    if choice["finish_reason"] == "stop":
        assert isinstance(json.loads(choice["message"]["content"]), dict)
    assert choice["message"]["content"].lstrip().startswith("{")


@pytest.mark.parametrize("streamed", [True, False])
def test_json_schema(both: Ryzan, streamed: bool) -> None:
    told = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}}
    body = ask("Is Rome a big city?", response_format=told, max_tokens=96)
    if streamed:
        text = "".join(each["delta"].get("content") or "" for each in stream(both, body))
    else:
        text = only(post(both, CHAT, body))["message"]["content"]
    found = json.loads(text)
    assert set(found) == {"name", "big"}
    assert isinstance(found["big"], bool)


def test_schema_that_cannot_be_compiled_is_refused(both: Ryzan) -> None:
    schema = {"type": "object", "patternProperties": {"(?<=a)b": {"type": "string"}}}
    told = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert refused(both, CHAT, ask(response_format=told))["param"].startswith("response_format")


def stream(ryzan: Ryzan, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices of a streamed answer's chunks."""
    with ryzan.client().stream("POST", CHAT, json={**body, "stream": True}) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line)["choices"][0] for line in lines[:-1]]


@pytest.mark.parametrize(
    "choice",
    ["required", {"type": "function", "function": {"name": "get_weather"}}],
    ids=["required", "named"],
)
def test_tool_is_called(both: Ryzan, choice: Any) -> None:
    body = ask(
        "What is the weather in Rome?",
        tools=[tool("get_weather")],
        tool_choice=choice,
        max_tokens=64,
        parallel_tool_calls=False,
    )
    answer = only(post(both, CHAT, body))
    assert answer["finish_reason"] == "tool_calls"
    call = answer["message"]["tool_calls"][0]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert json.loads(call["function"]["arguments"])["city"] in ("Oslo", "Rome")
    chunks = stream(both, body)
    parts = [part for each in chunks for part in each["delta"].get("tool_calls", ()) if part["index"] == 0]
    streamed = json.loads("".join(part["function"]["arguments"] for part in parts))
    # not the same city for sure: the two are a near-tie, and the number of threads may change in between
    assert streamed["city"] in ("Oslo", "Rome")
    assert [part.get("id") is not None for part in parts] == [True] + [False] * (len(parts) - 1)
    assert parts[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert chunks[-1]["finish_reason"] == "tool_calls"


def test_no_tool_is_called_when_none_may_be(both: Ryzan) -> None:
    body = ask("What is the weather in Rome?", tools=[tool("get_weather")], tool_choice="none")
    answer = only(post(both, CHAT, body))
    assert "tool_calls" not in answer["message"]
    assert answer["message"]["content"]


def test_result_of_a_tool_is_read(both: Ryzan) -> None:
    body = ask("What is the weather in Rome?", tools=[tool("get_weather")], tool_choice="required",
               max_tokens=64)  # fmt: skip
    message = only(post(both, CHAT, body))["message"]
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "Snow, -3 degrees."}
               for each in message["tool_calls"]]  # fmt: skip
    talk = [*body["messages"], message, *results]
    answer = only(post(both, CHAT, {**body, "messages": talk, "tool_choice": "none"}))
    assert answer["message"]["content"]


def test_several_prompts_are_answered_in_order(both: Ryzan) -> None:
    """One plain next token each: batches flip near-ties of longer answers."""
    prompts = [FRANCE, "Roses are red, violets are", "Once upon a"]
    common: dict[str, Any] = {"model": MODEL, "temperature": 0, "max_tokens": 1}
    together = post(both, LEGACY, {**common, "prompt": prompts})
    alone = [post(both, LEGACY, {**common, "prompt": each}) for each in prompts]
    texts = [each["text"] for each in together["choices"]]
    assert texts == [only(each)["text"] for each in alone]
    assert len(set(texts)) == 3
    assert together["usage"]["prompt_tokens"] == sum(each["usage"]["prompt_tokens"] for each in alone)


def test_tokens_are_a_prompt_too(both: Ryzan) -> None:
    common: dict[str, Any] = {"model": MODEL, "temperature": 0, "max_tokens": 8}
    as_text = post(both, LEGACY, {**common, "prompt": FRANCE})
    as_tokens = post(both, LEGACY, {**common, "prompt": FRANCE_TOKENS})
    assert only(as_text)["text"] == only(as_tokens)["text"]
    assert refused(both, LEGACY, {**common, "prompt": [49152]})["param"] == "prompt"


TEXTS = {"The disk is full": [2, 5, 6, 8, 9, 3], "my photos": [2, 15, 16, 12, 3]}


def test_embeddings_are_the_reference_s(both: Ryzan) -> None:
    body = post(both, EMBED, {"model": VECTORS, "input": list(TEXTS)})
    assert [each["index"] for each in body["data"]] == [0, 1]
    assert body["usage"]["prompt_tokens"] == sum(map(len, TEXTS.values()))
    for told, tokens in zip(body["data"], TEXTS.values(), strict=True):
        vector, expected = np.array(told["embedding"]), models.embed("bert", tokens)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert vector @ expected / np.linalg.norm(expected) > 0.9999


def test_embedding_in_base64_is_the_same(both: Ryzan) -> None:
    text = next(iter(TEXTS))
    plain = post(both, EMBED, {"model": VECTORS, "input": text})["data"][0]["embedding"]
    packed = post(both, EMBED, {"model": VECTORS, "input": text, "encoding_format": "base64"})
    data = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack(f"<{len(plain)}f", data) == pytest.approx(plain, abs=1e-6)


def test_models_are_asked_for_what_they_are_made_for(both: Ryzan) -> None:
    assert refused(both, EMBED, {"model": MODEL, "input": "x"})["param"] == "model"
    assert refused(both, CHAT, ask() | {"model": VECTORS})["param"] in ("model", "messages")
    wrong = {"model": VECTORS, "input": "x", "dimensions": 3}
    assert refused(both, EMBED, wrong)["param"] == "dimensions"


def test_model_with_a_slash_in_its_id_is_found(both: Ryzan) -> None:
    told = both.client().get(f"/v1/models/{VECTORS}").json()
    assert (told["id"], told["sigmavault"]["purpose"]) == (VECTORS, ["embedding"])


def test_automatic_choice_of_an_embedding_model_says_whom_it_chose(both: Ryzan) -> None:
    answer = both.client().post(EMBED, json={"model": "auto", "input": "x"})
    assert answer.json()["model"] == answer.headers["x-sigmavault-model"] == VECTORS
    assert answer.headers["x-sigmavault-backend"] == "local"


def test_automatic_choice_says_whom_it_chose(both: Ryzan) -> None:
    answer = both.client().post(CHAT, json=ask() | {"model": "auto"})
    assert answer.json()["model"] == answer.headers["x-sigmavault-model"] == MODEL
    assert answer.headers["x-sigmavault-backend"] == "local"
    assert answer.headers["x-sigmavault-route"]
