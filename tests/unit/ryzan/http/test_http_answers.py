"""How answers look, whole and streamed: the events are written down, everything else is real."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from sigmavault.core.chat import Finish
from sigmavault.core.errors import InvalidRequestError, ModelBusyError, WorkerLostError
from sigmavault.core.wish import AnswerStarted, CallDelta, ChoiceFinished, ContentDelta, Route
from sigmavault.ryzan.http import documented

from tests.unit.ryzan.http.scripted import ScriptedService, Step, app, events, logprob, plain, post

CHAT, LEGACY = "/v1/chat/completions", "/v1/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
TOOL = {"type": "function", "function": {"name": "read"}}
START = AnswerStarted(prompt_tokens=10, cached_tokens=4)
CALLS: list[Step] = [
    START,
    CallDelta(index=0, call=0, id="call_a", name="read"),
    CallDelta(index=0, call=0, arguments='{"file":'),
    CallDelta(index=0, call=0, arguments='"a"}'),
    CallDelta(index=0, call=1, id="call_b", name="list", arguments="{}"),
    ChoiceFinished(index=0, finish=Finish.TOOL_CALLS, completion_tokens=9),
]
TWO: list[Step] = [
    START,
    ContentDelta(index=1, text="b"),
    ContentDelta(index=0, text="a"),
    ChoiceFinished(index=1, finish=Finish.LENGTH, completion_tokens=1),
    ContentDelta(index=0, text="aä"),
    ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=2),
]
USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 3,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 4},
}


def chat(script: list[Step], **more: Any) -> Any:
    answer = post(ScriptedService(script), CHAT, {**HELLO, **more})
    assert answer.status_code == 200, answer.text
    if not more.get("stream"):
        documented.ChatCompletion.model_validate(answer.json())
        return answer.json()
    chunks = events(answer)
    for chunk in chunks[:-1]:
        documented.ChatCompletionChunk.model_validate(chunk)
    return chunks


def test_several_choices_come_in_order() -> None:
    told = chat(TWO, n=2)
    assert [each["index"] for each in told["choices"]] == [0, 1]
    assert [each["message"]["content"] for each in told["choices"]] == ["aaä", "b"]
    assert [each["finish_reason"] for each in told["choices"]] == ["stop", "length"]
    assert told["usage"] == USAGE


def test_several_streamed_choices_say_which_they_are() -> None:
    chunks = chat(TWO, n=2, stream=True, stream_options={"include_usage": True})
    assert chunks[-1] == "[DONE]"
    assert chunks[-2]["usage"] == USAGE
    assert chunks[-2]["choices"] == []
    choices = [chunk["choices"][0] for chunk in chunks[:-2]]
    assert all(chunk["usage"] is None for chunk in chunks[:-2])
    assert [(each["index"], each["delta"]) for each in choices] == [
        (0, {"role": "assistant", "content": "", "refusal": None}),
        (1, {"role": "assistant", "content": "", "refusal": None}),
        (1, {"content": "b"}),
        (0, {"content": "a"}),
        (1, {}),
        (0, {"content": "aä"}),
        (0, {}),
    ]
    assert [each["finish_reason"] for each in choices] == [None, None, None, None, "length", None, "stop"]


def test_tool_calls() -> None:
    (choice,) = chat(CALLS, tools=[TOOL])["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "read", "arguments": '{"file":"a"}'}},
            {"id": "call_b", "type": "function", "function": {"name": "list", "arguments": "{}"}},
        ],
    }


def test_streamed_tool_calls_have_their_head_in_the_first_part_only() -> None:
    chunks = chat(CALLS, tools=[TOOL], stream=True)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas[0] == {"role": "assistant", "content": None, "refusal": None}
    assert [each["tool_calls"][0] for each in deltas[1:-1]] == [
        {
            "index": 0,
            "id": "call_a",
            "type": "function",
            "function": {"name": "read", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"file":'}},
        {"index": 0, "function": {"arguments": '"a"}'}},
        {
            "index": 1,
            "id": "call_b",
            "type": "function",
            "function": {"name": "list", "arguments": ""},
        },
        {"index": 1, "function": {"arguments": "{}"}},
    ]
    assert deltas[-1] == {}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_text_before_a_tool_call_is_kept() -> None:
    script: list[Step] = [START, ContentDelta(index=0, text="Let me see. "), *CALLS[1:]]
    message = chat(script, tools=[TOOL])["choices"][0]["message"]
    assert message["content"] == "Let me see. "
    assert len(message["tool_calls"]) == 2
    deltas = [each["choices"][0]["delta"] for each in chat(script, tools=[TOOL], stream=True)[:-1]]
    assert deltas[:2] == [{"role": "assistant", "content": "", "refusal": None}, {"content": "Let me see. "}]


SEEN = (logprob(b"a", -0.5, (b"a", -0.5), (b"b", float("-inf"))), logprob(b"\xc3", -1.0))
LIKELY: list[Step] = [
    START,
    ContentDelta(index=0, text="a", logprobs=SEEN),
    ContentDelta(index=0, text="", logprobs=(logprob(b"\xa4", float("nan")),)),
    ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=3),
]
SPELT = [
    {
        "token": "a",
        "logprob": -0.5,
        "bytes": [97],
        "top_logprobs": [
            {"token": "a", "logprob": -0.5, "bytes": [97]},
            {"token": "b", "logprob": -9999.0, "bytes": [98]},
        ],
    },
    {"token": "\\xc3", "logprob": -1.0, "bytes": [0xC3], "top_logprobs": []},
    {"token": "\\xa4", "logprob": -9999.0, "bytes": [0xA4], "top_logprobs": []},
]


def test_logprobs() -> None:
    told = chat(LIKELY, logprobs=True, top_logprobs=2)
    assert told["choices"][0]["logprobs"] == {"content": SPELT, "refusal": None}
    assert chat(LIKELY)["choices"][0]["logprobs"] is None


def test_streamed_logprobs_are_the_same() -> None:
    chunks = chat(LIKELY, logprobs=True, top_logprobs=2, stream=True)
    found = [chunk["choices"][0]["logprobs"] for chunk in chunks[:-1]]
    assert [one for each in found if each for one in each["content"]] == SPELT


def test_failure_in_the_middle_is_an_error_event() -> None:
    script: list[Step] = [START, ContentDelta(index=0, text="a"), WorkerLostError("the process ended")]
    answer = post(ScriptedService(script), CHAT, {**HELLO, "stream": True})
    assert "\n\nevent: error\ndata: {" in answer.text
    assert events(answer)[-1]["error"]["code"] == "model_worker_lost"
    assert "[DONE]" not in answer.text
    assert post(ScriptedService(script), CHAT, HELLO).status_code == 503


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (ModelBusyError("full", retry_after_s=7), 429, "7"),
        (WorkerLostError("gone"), 503, "5"),
        (InvalidRequestError("no", param="tools"), 400, None),
    ],
)
def test_failure_before_the_first_event_has_its_status(error: Any, status: int, header: str | None) -> None:
    for script in ([error], [START, error], [START]):
        for stream in (False, True):
            if script == [START] or (stream and len(script) > 1):
                continue
            answer = post(ScriptedService(script), CHAT, {**HELLO, "stream": stream})
            assert (answer.status_code, answer.headers.get("retry-after")) == (status, header)
            documented.Error.model_validate(answer.json())


def test_headers_tell_who_answers_and_why_in_plain_ascii() -> None:
    route = Route(model="m", backend="büro", reason="code\r\nSet-Cookie: x")
    for stream in (False, True):
        answer = post(ScriptedService(route=route), CHAT, {**HELLO, "model": "auto", "stream": stream})
        assert answer.headers["x-sigmavault-model"] == "m"
        assert answer.headers["x-sigmavault-backend"] == "b?ro"
        assert answer.headers["x-sigmavault-route"] == "code??Set-Cookie: x"
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["openai-processing-ms"].isdigit()
    assert post(ScriptedService(route=route), CHAT, {**HELLO, "model": "auto"}).json()["model"] == "m"


def test_answer_that_was_streamed_whole_or_not_is_cancelled_when_it_fails() -> None:
    for stream in (False, True):
        service = ScriptedService([START, WorkerLostError("gone")])
        post(service, CHAT, {**HELLO, "stream": stream})
        assert service.answers[0].is_cancelled


def legacy(service: ScriptedService, **more: Any) -> Any:
    answer = post(service, LEGACY, {"model": "m", "prompt": "x", **more})
    assert answer.status_code == 200, answer.text
    if not more.get("stream"):
        documented.Completion.model_validate(answer.json())
        return answer.json()
    chunks = events(answer)
    for chunk in chunks[:-1]:
        documented.Completion.model_validate(chunk)
    return chunks


def test_several_prompts_are_several_choices_in_order() -> None:
    told = legacy(ScriptedService(TWO, TWO), prompt=["a", "b"], n=2)
    assert [each["index"] for each in told["choices"]] == [0, 1, 2, 3]
    assert [each["text"] for each in told["choices"]] == ["aaä", "b", "aaä", "b"]
    assert told["usage"]["prompt_tokens"] == 20
    assert told["usage"]["completion_tokens"] == 6
    assert told["usage"]["prompt_tokens_details"] == {"cached_tokens": 8}


def test_several_streamed_prompts_are_several_choices() -> None:
    chunks = legacy(ScriptedService(plain("a", "b"), plain("c")), prompt=["a", "b"], stream=True)
    texts = {0: "", 1: ""}
    for chunk in chunks[:-1]:
        texts[chunk["choices"][0]["index"]] += chunk["choices"][0]["text"]
    assert texts == {0: "ab", 1: "c"}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]].count("stop") == 2


def test_one_prompt_that_is_turned_away_cancels_the_others() -> None:
    service = ScriptedService(plain("a"), [ModelBusyError("full")])
    assert post(service, LEGACY, {"model": "m", "prompt": ["a", "b"]}).status_code == 429
    assert service.answers[0].is_cancelled


def test_one_prompt_that_fails_in_the_middle_fails_all() -> None:
    service = ScriptedService(plain("a"), [START, WorkerLostError("gone")])
    assert post(service, LEGACY, {"model": "m", "prompt": ["a", "b"]}).status_code == 503
    assert all(each.is_cancelled for each in service.answers)


def test_legacy_logprobs() -> None:
    spelt = {
        "tokens": ["a", "\\xc3", "\\xa4"],
        "token_logprobs": [-0.5, -1.0, -9999.0],
        "top_logprobs": [{"a": -0.5, "b": -9999.0}, {}, {}],
        "text_offset": [0, 1, 5],
    }
    assert legacy(ScriptedService(LIKELY), logprobs=2)["choices"][0]["logprobs"] == spelt
    chunks = legacy(ScriptedService(LIKELY), logprobs=2, stream=True)
    found = [each["choices"][0]["logprobs"] for each in chunks[:-1]]
    assert [one for each in found if each for one in each["text_offset"]] == spelt["text_offset"]


def test_client_that_hangs_up_cancels_its_answer() -> None:
    service = ScriptedService([START, *[ContentDelta(index=0, text="x")] * 9999])
    sent: list[Any] = []

    async def go() -> None:
        body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}'
        waiting = [{"type": "http.request", "body": body}]

        async def receive() -> Any:
            if waiting:
                return waiting.pop()
            while len(sent) < 5:
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": CHAT, "query_string": b"", "scheme": "http",
            "headers": [(b"content-type", b"application/json")], "server": ("/run/x", None), "client": None,
            "state": {"peer_uid": 1000},
        }  # fmt: skip
        await app(service)(scope, cast("Any", receive), send)

    asyncio.run(go())
    assert 5 <= len(sent) < 50
    assert service.answers[0].is_cancelled
    assert service.callers[0].space == "uid:1000"
