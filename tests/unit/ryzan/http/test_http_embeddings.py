from __future__ import annotations

import base64
import math
import struct

import pytest
from sigmavault.core.errors import InvalidRequestError, ModelError
from sigmavault.ryzan.http.embeddings import shortened

from tests.unit.ryzan.http.scripted import ScriptedService, post

PATH = "/v1/embeddings"
HELLO = {"model": "e", "input": "x"}


def test_vectors_come_in_the_order_of_the_inputs() -> None:
    answer = post(ScriptedService(), PATH, {"model": "e", "input": ["a", "b"]})
    assert answer.json() == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": at, "embedding": [0.6, 0.8, 0.0]} for at in (0, 1)
        ],
        "model": "e",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }  # fmt: skip


def test_the_model_that_made_the_vectors_is_told() -> None:
    answer = post(ScriptedService(), PATH, {**HELLO, "model": "auto"})
    assert (answer.json()["model"], answer.headers["x-sigmavault-model"]) == ("chosen", "chosen")


def test_base64_is_little_endian_float32() -> None:
    answer = post(ScriptedService(), PATH, {**HELLO, "encoding_format": "base64"})
    packed = base64.b64decode(answer.json()["data"][0]["embedding"])
    assert struct.unpack("<3f", packed) == pytest.approx((0.6, 0.8, 0.0))


def test_other_size_is_refused() -> None:
    assert post(ScriptedService(), PATH, {**HELLO, "dimensions": 3}).status_code == 200
    answer = post(ScriptedService(), PATH, {**HELLO, "dimensions": 2})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "dimensions")


def test_shorter_vectors_of_a_model_that_is_made_for_it() -> None:
    body = {**HELLO, "model": "qwen3-embedding-0.6b", "dimensions": 1}
    assert post(ScriptedService(), PATH, body).json()["data"][0]["embedding"] == [1.0]
    assert post(ScriptedService(), PATH, {**body, "model": "bge-small-en-v1.5"}).status_code == 400


@pytest.mark.parametrize("given", ["", [], [""], [["a"]], [[]], 5, None])
def test_what_is_no_input(given: object) -> None:
    answer = post(ScriptedService(), PATH, {"model": "e", "input": given})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


def test_shorter_vector_of_a_matryoshka_has_length_one_again() -> None:
    short = shortened((0.6, 0.0, 0.8), 2, matryoshka=True)
    assert list(short) == [1.0, 0.0]
    with pytest.raises(InvalidRequestError):
        shortened((0.6, 0.8), 3, matryoshka=True)


@pytest.mark.parametrize("vector", [(), (math.nan, 1.0), (math.inf, 1.0)])
def test_what_is_no_vector_is_never_given_out(vector: tuple[float, ...]) -> None:
    with pytest.raises(ModelError):
        shortened(vector, None, matryoshka=False)
    service = ScriptedService()
    service.vectors = (vector,)
    assert post(service, PATH, HELLO).status_code == 503
