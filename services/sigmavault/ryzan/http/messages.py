"""The messages of a chat request; answers of this API are accepted as they were given out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sigmavault.core.chat import Message, Role, ToolCall
from sigmavault.ryzan.http.body import Strict, refuse

_PART_KEYS = {"type", "text"}


def _join_parts(value: Any) -> Any:
    """Content may come as a list of text parts: that is the same as their text in one piece."""
    if not isinstance(value, list):
        return value
    texts = []
    for at, part in enumerate(value):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text":
            told = f"{kind[:40]!r}" if isinstance(kind, str) else "no type"
            raise PydanticCustomError(
                "content_part",
                "only parts of type text are supported, part {at} has {told}",
                {"at": at, "told": told},
            )
        if set(part) != _PART_KEYS or not isinstance(part["text"], str):
            raise PydanticCustomError(
                "content_part", "part {at} must have a text and nothing else", {"at": at}
            )
        texts.append(part["text"])
    return "".join(texts)


_PART_SCHEMA = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
    "additionalProperties": False,
}
_CONTENT_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART_SCHEMA}]}
_Content = Annotated[str, BeforeValidator(_join_parts), WithJsonSchema(_CONTENT_SCHEMA)]


class SystemMessage(Strict):
    """How the model is to behave."""

    role: Literal["system", "developer"]
    content: _Content

    def message(self) -> Message:
        """The message in the service's words."""
        return Message(role=Role.SYSTEM, content=self.content)


class UserMessage(Strict):
    """What the user says."""

    role: Literal["user"]
    content: _Content

    def message(self) -> Message:
        """The message in the service's words."""
        return Message(role=Role.USER, content=self.content)


class CalledFunction(Strict):
    """What was called, and with what."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
    arguments: str


class CalledTool(Strict):
    """A tool call of an earlier answer."""

    id: Annotated[str, Field(min_length=1, max_length=256)]
    type: Literal["function"]
    function: CalledFunction


class AssistantMessage(Strict):
    """What the model said."""

    role: Literal["assistant"]
    content: _Content | None = None
    tool_calls: Annotated[list[CalledTool], Field(max_length=128)] | None = None
    refusal: None = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    audio: None = None
    function_call: None = None

    def message(self) -> Message:
        """The message in the service's words."""
        calls = tuple(
            ToolCall(id=each.id, name=each.function.name, arguments=each.function.arguments)
            for each in self.tool_calls or ()
        )
        return Message(role=Role.ASSISTANT, content=self.content or "", tool_calls=calls)


class ToolMessage(Strict):
    """What a tool call gave."""

    role: Literal["tool"]
    content: _Content
    tool_call_id: Annotated[str, Field(min_length=1, max_length=256)]
    name: str | None = None
    """Of the tool; the call tells it already."""

    def message(self) -> Message:
        """The message in the service's words."""
        return Message(role=Role.TOOL, content=self.content, tool_call_id=self.tool_call_id)


ChatMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


def check_turns(messages: Sequence[SystemMessage | UserMessage | AssistantMessage | ToolMessage]) -> None:
    """Every tool call is answered once, by the messages right behind it.

    Raises:
        PydanticCustomError: they are not; names the place.
    """
    waiting: dict[str, str] = {}
    for at, each in enumerate(messages):
        place = f"messages.{at}"
        if isinstance(each, ToolMessage):
            _take_result(each, waiting, place)
            continue
        _check_answered(waiting, place)
        if isinstance(each, AssistantMessage):
            waiting = _read_calls(each, place)
    _check_answered(waiting, "messages")


def _take_result(message: ToolMessage, waiting: dict[str, str], place: str) -> None:
    called = waiting.pop(message.tool_call_id, None)
    if called is None:
        refuse(f"{place}.tool_call_id", "no tool call right before has this id, or it was answered already")
    if message.name not in (None, called):
        refuse(f"{place}.name", f"the tool of this call is {called}")


def _check_answered(waiting: dict[str, str], place: str) -> None:
    if waiting:
        refuse(place, f"a tool message must answer the tool call {next(iter(waiting))} first")


def _read_calls(message: AssistantMessage, place: str) -> dict[str, str]:
    """The names of the called tools by the ids of the calls."""
    if message.content is None and not message.tool_calls:
        refuse(f"{place}.content", "content is missing")
    calls: dict[str, str] = {}
    for at, call in enumerate(message.tool_calls or ()):
        if call.id in calls:
            refuse(f"{place}.tool_calls.{at}.id", "two tool calls have the same id")
        if not _is_object(call.function.arguments):
            refuse(f"{place}.tool_calls.{at}.function.arguments", "must be the JSON text of an object")
        calls[call.id] = call.function.name
    return calls


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
