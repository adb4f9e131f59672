from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigmavault.core.chat import (
    Conversation,
    Embedded,
    EmbedRequest,
    Finish,
    Finished,
    GenerateRequest,
    Grammar,
    Likelihood,
    Message,
    Piece,
    Reuse,
    Role,
    Sampling,
    Started,
    Text,
    TokenLogprob,
    Tokens,
    Tool,
    ToolCall,
)
from sigmavault.core.errors import ContextTooLongError, ModelError, SigmaVaultError, WorkerLostError
from sigmavault.ryzan import wire

texts = st.text(st.characters(exclude_categories=["Cs"]))
calls = st.builds(ToolCall, id=texts, name=texts, arguments=texts)
messages = st.builds(
    Message, role=st.sampled_from(Role), content=texts, tool_calls=st.lists(calls, max_size=2).map(tuple)
)
tools = st.builds(Tool, name=texts, description=texts, parameters=st.dictionaries(texts, texts, max_size=2))
conversations = st.builds(
    Conversation, messages=st.lists(messages).map(tuple), tools=st.lists(tools, max_size=2).map(tuple)
)
token_lists = st.lists(st.integers(0, 2**31 - 1)).map(tuple)
requests = st.builds(
    GenerateRequest,
    prompt=st.one_of(conversations, st.builds(Text, text=texts), st.builds(Tokens, tokens=token_lists)),
    sampling=st.builds(
        Sampling,
        temperature=st.floats(0, 2),
        top_p=st.floats(0, 1),
        top_k=st.integers(0, 100),
        min_p=st.floats(0, 1),
        seed=st.integers(0, 2**32 - 2),
        logit_bias=st.lists(st.tuples(st.integers(0, 9), st.floats(-100, 100)), max_size=2).map(tuple),
    ),
    max_tokens=st.none() | st.integers(1),
    stop=st.lists(texts).map(tuple),
    grammar=st.none() | st.builds(Grammar, gbnf=texts, triggers=st.lists(texts).map(tuple)),
    top_logprobs=st.none() | st.integers(0, 20),
    reuse=st.builds(Reuse, space=texts, key=texts, enabled=st.booleans()),
)
likelihoods = st.builds(Likelihood, token=st.binary(), logprob=st.floats(-100, 0))
logprobs = st.builds(TokenLogprob, chosen=likelihoods, top=st.lists(likelihoods, max_size=2).map(tuple))
events = st.one_of(
    st.builds(Started, prompt_tokens=st.integers(0)),
    st.builds(Piece, text=texts, logprobs=st.lists(logprobs, max_size=2).map(tuple)),
    st.builds(Finished, finish=st.sampled_from(Finish), completion_tokens=st.integers(0)),
)


@settings(max_examples=50)
@given(st.lists(requests, max_size=3), st.integers(1, 50))
def test_requests_arrive_as_they_were_however_the_stream_is_cut(
    sent: list[GenerateRequest], size: int
) -> None:
    stream = b"".join(wire.encode(wire.ask_frame(number, each)) for number, each in enumerate(sent))
    decoder = wire.Decoder()
    frames = [frame for at in range(0, len(stream), size) for frame in decoder.feed(stream[at : at + size])]
    assert [wire.read_ask(frame) for frame in frames] == sent
    assert [frame["id"] for frame in frames] == list(range(len(sent)))


@given(events)
def test_events_arrive_as_they_were(event: Started | Piece | Finished) -> None:
    (frame,) = wire.Decoder().feed(wire.encode(wire.event_frame(7, event)))
    assert wire.read_event(frame) == event


@settings(max_examples=50)
@given(st.lists(st.one_of(st.builds(Text, text=texts), st.builds(Tokens, tokens=token_lists))).map(tuple))
def test_inputs_of_vectors_arrive_as_they_were(inputs: tuple[Text | Tokens, ...]) -> None:
    (frame,) = wire.Decoder().feed(wire.encode(wire.embed_frame(3, EmbedRequest(inputs=inputs))))
    assert (frame["do"], frame["id"], wire.read_embed(frame).inputs) == ("embed", 3, inputs)


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=4).map(tuple)).map(tuple))
def test_vectors_arrive_as_they_were(vectors: tuple[tuple[float, ...], ...]) -> None:
    sent = Embedded(vectors=vectors, prompt_tokens=7)
    (frame,) = wire.Decoder().feed(wire.encode(wire.embedded_frame(3, sent)))
    assert wire.read_embedded(frame) == sent


@pytest.mark.parametrize("error", [ContextTooLongError("long", param="messages"), WorkerLostError("gone")])
def test_failures_arrive_as_exceptions(error: SigmaVaultError) -> None:
    (frame,) = wire.Decoder().feed(wire.encode(wire.error_frame(1, error)))
    with pytest.raises(type(error)) as raised:
        wire.read_event(frame)
    assert raised.value.message == error.message
    assert getattr(raised.value, "param", None) == getattr(error, "param", None)


def test_nonsense_is_refused_before_it_is_stored() -> None:
    with pytest.raises(ModelError):
        list(wire.Decoder().feed(b"\xff\xff\xff\xff{"))
