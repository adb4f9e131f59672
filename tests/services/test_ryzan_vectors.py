"""A model that makes vectors, and one without chat template: tiny models made on the spot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.chat import (
    Conversation,
    EmbedRequest,
    GenerateRequest,
    Message,
    Role,
    Sampling,
    Text,
    Tokens,
)
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError

from tests.services import models
from tests.services.worker_link import WorkerLink, worker

ASK = GenerateRequest(
    prompt=Text(text="x"), sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1), max_tokens=2
)


@pytest.fixture(scope="module")
def bert(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLink]:
    file = models.make("bert", tmp_path_factory.mktemp("bert"))
    with worker(file, runtime, "--embedding", sequences=4) as link:
        yield link


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return math.sumprod(one, other)


def test_loaded_tells_the_size_of_the_vectors(bert: WorkerLink) -> None:
    (vector,) = bert.embed(EmbedRequest(inputs=(Text(text="a"),))).vectors
    assert bert.loaded.embedding_size == len(vector) > 0
    assert bert.loaded.has_template is False


def test_vectors_are_those_of_the_reference(bert: WorkerLink) -> None:
    tokens = (2, 5, 6, 7, 3)
    (vector,) = bert.embed(EmbedRequest(inputs=(Tokens(tokens=tokens),))).vectors
    expected = models.embed("bert", tokens)
    length = math.sqrt(float(expected @ expected))
    assert cosine(vector, tuple(float(each) / length for each in expected)) == pytest.approx(1, abs=1e-3)


def test_many_inputs_at_once_give_the_same_vectors_as_one_by_one(bert: WorkerLink) -> None:
    inputs = tuple(Text(text="ab " * count) for count in range(1, 11))  # more than the model's sequences
    together = bert.embed(EmbedRequest(inputs=inputs))
    assert len(together.vectors) == 10
    tokens = 0
    for text, vector in zip(inputs, together.vectors, strict=True):
        alone = bert.embed(EmbedRequest(inputs=(text,)))
        tokens += alone.prompt_tokens
        assert cosine(vector, alone.vectors[0]) == pytest.approx(1, abs=1e-4)
        assert cosine(vector, vector) == pytest.approx(1, abs=1e-5)
    assert together.prompt_tokens == tokens


def test_inputs_that_do_not_fit_or_are_empty_are_refused(bert: WorkerLink) -> None:
    long = Tokens(tokens=(5,) * (bert.loaded.context_tokens + 1))
    with pytest.raises(ContextTooLongError, match=f"reads {bert.loaded.context_tokens} tokens"):
        bert.embed(EmbedRequest(inputs=(Text(text="a"), long)))
    for inputs in ((), (Tokens(tokens=()),)):
        with pytest.raises(InvalidRequestError, match="empty"):
            bert.embed(EmbedRequest(inputs=inputs))
    with pytest.raises(InvalidRequestError, match="no token"):
        bert.embed(EmbedRequest(inputs=(Tokens(tokens=(10**6,)),)))


def test_a_model_that_makes_vectors_does_not_answer(bert: WorkerLink) -> None:
    with pytest.raises(InvalidRequestError, match="does not answer"):
        bert.ask(ASK)


@pytest.fixture(scope="module")
def bare(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLink]:
    """A model whose file has no chat template: the key has another name."""
    data = models.data("llama-f32")
    assert data.count(b"tokenizer.chat_template") == 1
    file = tmp_path_factory.mktemp("bare") / "bare.gguf"
    file.write_bytes(data.replace(b"tokenizer.chat_template", b"tokenizer.chat_templata"))
    with worker(file, runtime, context=256) as link:
        yield link


def test_without_chat_template_texts_are_continued_and_conversations_refused(bare: WorkerLink) -> None:
    assert (bare.loaded.has_template, bare.loaded.template_sha256) == (False, "")
    (told,) = bare.ask(ASK)
    assert told.finished is not None
    with pytest.raises(InvalidRequestError, match="no chat template") as raised:
        bare.ask(
            GenerateRequest(
                prompt=Conversation(messages=(Message(role=Role.USER, content="x"),)), sampling=ASK.sampling
            )
        )
    assert raised.value.param == "messages"
