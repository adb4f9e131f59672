"""`/v1/embeddings`: what it accepts and how it answers."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sigmavault.core.chat import Embedded, EmbedRequest, Text, Tokens
from sigmavault.core.errors import InvalidRequestError, ModelError
from sigmavault.ryzan.http import prompts
from sigmavault.ryzan.http.body import WHOLE, Strict

INPUTS_LIMIT = 2048

_Inputs = Annotated[
    tuple[Text | Tokens, ...],
    BeforeValidator(prompts.reader(most=INPUTS_LIMIT, allow_empty=False)),
    WithJsonSchema(prompts.schema(most=INPUTS_LIMIT, least_length=1)),
]


class EmbeddingBody(Strict):
    """The body of a request for embeddings."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: _Inputs
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=65536), WHOLE] | None = None
    user: str | None = None
    """Tells the provider about the caller; there is nothing to do for it."""

    def request(self) -> EmbedRequest:
        """The request in the service's words."""
        return EmbedRequest(inputs=self.input)


def shortened(vector: Sequence[float], dimensions: int | None, *, matryoshka: bool) -> Sequence[float]:
    """The vector with as many dimensions as are asked for.

    Args:
        vector: of length 1.
        dimensions: None: all.
        matryoshka: the model was trained so that the first dimensions stand for the whole.

    Raises:
        InvalidRequestError: the model has no vectors of this size.
        ModelError: the vector is no vector.
    """
    if not vector or not math.isfinite(sum(vector)):
        raise ModelError("the model gave a vector with numbers that are none")
    size = len(vector)
    if dimensions is None or dimensions == size:
        return vector
    if not matryoshka or dimensions > size:
        raise InvalidRequestError(f"this model's vectors have {size} dimensions", param="dimensions")
    first = vector[:dimensions]
    length = math.sqrt(sum(each * each for each in first))
    return [each / length for each in first] if length else first


def _encode(vector: Sequence[float], encoding: str | None) -> Any:
    if encoding != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def answer(body: EmbeddingBody, model: str, embedded: Embedded, *, matryoshka: bool) -> dict[str, Any]:
    """The JSON of the answer.

    Args:
        body: what was asked for.
        model: id of the model that made the vectors.
        embedded: the vectors.
        matryoshka: see `shortened`.

    Raises:
        InvalidRequestError: the model has no vectors of the wanted size.
        ModelError: a vector is none.
    """
    short = [shortened(each, body.dimensions, matryoshka=matryoshka) for each in embedded.vectors]
    data = [
        {"object": "embedding", "index": at, "embedding": _encode(each, body.encoding_format)}
        for at, each in enumerate(short)
    ]
    tokens = {"prompt_tokens": embedded.prompt_tokens, "total_tokens": embedded.prompt_tokens}
    return {"object": "list", "data": data, "model": model, "usage": tokens}
