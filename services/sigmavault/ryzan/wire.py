"""What the service and its model processes say to each other: JSON objects in length-prefixed frames.

Requests go down, events come up; each names the request it is about by its number.
"""

from __future__ import annotations

import base64
import json
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sigmavault.core.chat import (
    Conversation,
    Embedded,
    EmbedRequest,
    Event,
    Finish,
    Finished,
    GenerateRequest,
    Grammar,
    Likelihood,
    Message,
    Piece,
    Prompt,
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
from sigmavault.core.errors import InvalidRequestError, ModelError, SigmaVaultError, by_code

_HEAD = struct.Struct("!I")
_LARGEST = 64 * 1024 * 1024

type Frame = dict[str, Any]

_spell = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(frame: Mapping[str, Any]) -> bytes:
    """One frame as bytes."""
    body = _spell(frame).encode(errors="replace")
    return _HEAD.pack(len(body)) + body


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Take bytes, give every frame that is complete.

        Raises:
            ModelError: the stream is not ours.
        """
        self._data += data
        while len(self._data) >= _HEAD.size:
            (size,) = _HEAD.unpack_from(self._data)
            if size > _LARGEST:
                raise ModelError(f"a frame of {size} bytes from a model process")
            if len(self._data) < (end := _HEAD.size + size):
                return
            frame = json.loads(self._data[_HEAD.size : end])
            del self._data[:end]
            yield frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a model process tells once its model is loaded.

    Attributes:
        context_tokens: longest prompt plus answer.
        threads: how many compute.
        threads_reason: what decided that.
        architecture: as the file names it.
        has_template: whether it has a chat template: without one it continues texts, but cannot converse.
        template_sha256: of the chat template; empty without one.
        tool_format: how the template writes tool calls (`core.tools.ToolFormat`); empty without one.
        embedding_size: numbers in a vector; 0 unless the model makes vectors.
        memory_bytes: resident memory of the process.
    """

    context_tokens: int
    threads: int
    threads_reason: str
    architecture: str = ""
    has_template: bool = True
    template_sha256: str = ""
    tool_format: str = ""
    embedding_size: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a working model process tells every second.

    Attributes:
        tokens_per_second: generated, of all requests together, over the last seconds of work.
        threads: how many compute.
        threads_reason: what decided that.
        active_sequences: answers being computed now.
        prefix_hits: requests that found a part of their prompt computed, since the start.
        prefix_misses: requests that might have and did not.
        prefix_tokens_saved: tokens of prompts that were not computed again.
        kept_ram_bytes: states of prompts kept in memory, beside the context.
        kept_disk_bytes: states of prompts kept on disk.
        speculation: whether answers are guessed ahead, and what was measured; empty where it is off.
        guesses_tried: tokens that were guessed, since the start.
        guesses_held: of these, tokens that the model itself would have chosen.
    """

    tokens_per_second: float
    threads: int
    threads_reason: str
    active_sequences: int = 0
    prefix_hits: int = 0
    prefix_misses: int = 0
    prefix_tokens_saved: int = 0
    kept_ram_bytes: int = 0
    kept_disk_bytes: int = 0
    speculation: str = ""
    guesses_tried: int = 0
    guesses_held: int = 0


def ask_frame(number: int, request: GenerateRequest) -> Frame:
    """The frame that puts a request to the model process."""
    prompt = {"kind": _KINDS[type(request.prompt)], **asdict(request.prompt)}
    return {"do": "ask", "id": number, **asdict(request), "prompt": prompt}


_KINDS = {Conversation: "conversation", Text: "text", Tokens: "tokens"}


def cancel_frame(number: int) -> Frame:
    """The frame that ends a request early."""
    return {"do": "cancel", "id": number}


def read_ask(frame: Frame) -> GenerateRequest:
    """The request in a frame made by `ask_frame`."""
    grammar = frame["grammar"]
    return GenerateRequest(
        prompt=_read_prompt(frame["prompt"]),
        sampling=_read_sampling(frame["sampling"]),
        max_tokens=frame["max_tokens"],
        stop=tuple(frame["stop"]),
        grammar=grammar and Grammar(gbnf=grammar["gbnf"], triggers=tuple(grammar["triggers"])),
        top_logprobs=frame["top_logprobs"],
        reuse=Reuse(**frame["reuse"]),
    )


def _read_prompt(fields: Mapping[str, Any]) -> Prompt:
    match fields["kind"]:
        case "conversation":
            return Conversation(
                messages=tuple(_read_message(each) for each in fields["messages"]),
                tools=tuple(Tool(**each) for each in fields["tools"]),
            )
        case "text":
            return Text(text=fields["text"])
        case _:
            return Tokens(tokens=tuple(fields["tokens"]))


def embed_frame(number: int, request: EmbedRequest) -> Frame:
    """The frame that asks the model process for vectors."""
    inputs = [{"kind": _KINDS[type(each)], **asdict(each)} for each in request.inputs]
    return {"do": "embed", "id": number, "inputs": inputs}


def read_embed(frame: Frame) -> EmbedRequest:
    """The request in a frame made by `embed_frame`."""
    prompts = (_read_prompt(each) for each in frame["inputs"])
    return EmbedRequest(inputs=tuple(each for each in prompts if not isinstance(each, Conversation)))


def embedded_frame(number: int, embedded: Embedded) -> Frame:
    """The frame that brings the vectors: base64 of 32-bit floats, little endian."""
    vectors = [_spell_vector(each) for each in embedded.vectors]
    return {"is": "embedded", "id": number, "vectors": vectors, "prompt_tokens": embedded.prompt_tokens}


def read_embedded(frame: Frame) -> Embedded:
    """The vectors in a frame made by `embedded_frame`."""
    vectors = tuple(_read_vector(each) for each in frame["vectors"])
    return Embedded(vectors=vectors, prompt_tokens=frame["prompt_tokens"])


def _spell_vector(vector: Sequence[float]) -> str:
    return base64.b64encode(_little(array("f", vector)).tobytes()).decode()


def _read_vector(text: str) -> tuple[float, ...]:
    vector = array("f", base64.b64decode(text, validate=True))
    return tuple(_little(vector))


def _little(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _read_message(fields: Mapping[str, Any]) -> Message:
    calls = tuple(ToolCall(**each) for each in fields["tool_calls"])
    return Message(
        role=Role(fields["role"]), content=fields["content"], tool_calls=calls,
        tool_call_id=fields["tool_call_id"],
    )  # fmt: skip


def _read_sampling(fields: Mapping[str, Any]) -> Sampling:
    bias = tuple((int(token), float(value)) for token, value in fields["logit_bias"])
    return Sampling(**{**fields, "logit_bias": bias})


def event_frame(number: int, event: Event) -> Frame:
    """The frame that reports on a request."""
    match event:
        case Started():
            return {"is": "started", "id": number, **asdict(event)}
        case Piece(logprobs=()):
            return {"is": "piece", "id": number, "text": event.text}
        case Piece():
            told = [_spell_logprob(each) for each in event.logprobs]
            return {"is": "piece", "id": number, "text": event.text, "logprobs": told}
        case Finished():
            return {"is": "finished", "id": number, **asdict(event)}


def _spell_logprob(told: TokenLogprob) -> list[list[Any]]:
    # bytes as latin-1: JSON has no bytes, and a token may be part of a character
    return [[each.token.decode("latin-1"), each.logprob] for each in (told.chosen, *told.top)]


def _read_logprob(pairs: list[list[Any]]) -> TokenLogprob:
    chosen, *top = (Likelihood(token=token.encode("latin-1"), logprob=value) for token, value in pairs)
    return TokenLogprob(chosen=chosen, top=tuple(top))


def error_frame(number: int | None, error: SigmaVaultError) -> Frame:
    """The frame that reports a failure, of a request or (None) of the whole process."""
    param = error.param if isinstance(error, InvalidRequestError) else ""
    return {"is": "error", "id": number, "code": error.code, "message": error.message, "param": param}


def read_event(frame: Frame) -> Event:
    """The event in a frame made by `event_frame`, or its failure as an exception.

    Raises:
        SigmaVaultError: what `error_frame` was given.
    """
    match frame["is"]:
        case "started":
            return Started(prompt_tokens=frame["prompt_tokens"], cached_tokens=frame["cached_tokens"])
        case "piece":
            told = tuple(_read_logprob(each) for each in frame.get("logprobs", ()))
            return Piece(text=frame["text"], logprobs=told)
        case "finished":
            return Finished(finish=Finish(frame["finish"]), completion_tokens=frame["completion_tokens"])
        case "error":
            raise read_error(frame)
        case other:
            raise ModelError(f"a model process says {other!r}")


def read_error(frame: Frame) -> SigmaVaultError:
    """The failure in a frame made by `error_frame`."""
    kind = by_code(frame["code"])
    if issubclass(kind, InvalidRequestError):
        return kind(frame["message"], param=frame["param"])
    return kind(frame["message"])
