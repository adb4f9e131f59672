"""Tools, past calls and their results in a prompt, whether the template knows tools or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sigmavault.core.chat import Conversation, Message, Role, Tool, ToolCall
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.tools.formats import ToolFormat
from sigmavault.core.tools.grammar import allowed_tools
from sigmavault.core.wish import ToolChoice, ToolMode

_HEAD = "You can call these tools:"
_HOW = (
    "To call a tool, write exactly this and nothing else:\n"
    '<tool_call>\n{"name": "<tool name>", "arguments": {<its arguments>}}\n</tool_call>'
)
_WHEN = {
    ToolMode.AUTO: "Call a tool only when the answer needs it; otherwise answer in plain words.",
    ToolMode.REQUIRED: "Answer with a tool call now.",
    ToolMode.NAMED: "Answer with a tool call now.",
}


def instructions(tools: Sequence[Tool], choice: ToolChoice) -> str:
    """What a model is told whose template knows no tools; empty when there is none to call.

    Raises:
        InvalidRequestError: the tool that must be called is not there.
    """
    allowed = allowed_tools(tools, choice)
    if not allowed:
        return ""
    lines = (json.dumps(_function(each), ensure_ascii=False) for each in allowed)
    return "\n".join((_HEAD, *lines, "", _HOW, _WHEN[choice.mode]))


def _function(tool: Tool) -> dict[str, Any]:
    told = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {key: value for key, value in told.items() if value}


def conversation(
    messages: Sequence[Message], tools: Sequence[Tool], choice: ToolChoice, written: ToolFormat
) -> Conversation:
    """The conversation as the model's template takes it.

    Raises:
        InvalidRequestError: the tool that must be called is not there.
    """
    allowed = allowed_tools(tools, choice)
    if written is not ToolFormat.GENERIC:
        return Conversation(messages=tuple(messages), tools=allowed)
    return Conversation(messages=_told(to_plain(messages), instructions(tools, choice)))


def _told(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    if not text:
        return messages
    if messages and messages[0].role is Role.SYSTEM:
        first = replace(messages[0], content=f"{messages[0].content}\n\n{text}".strip())
        return (first, *messages[1:])
    return (Message(role=Role.SYSTEM, content=text), *messages)


def to_plain(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages with calls as the assistant's text and their results as the user's.

    Results that follow one another are one message: templates want user and assistant to take turns.
    """
    plain: list[Message] = []
    for message in messages:
        if message.role is Role.TOOL:
            result = f"<tool_response>\n{_kept_inside(message.content)}\n</tool_response>"
            if plain and plain[-1].role is Role.USER and plain[-1].content.startswith("<tool_response>"):
                plain[-1] = replace(plain[-1], content=f"{plain[-1].content}\n{result}")
            else:
                plain.append(Message(role=Role.USER, content=result))
        elif message.tool_calls:
            calls = (_written(each) for each in message.tool_calls)
            text = "\n".join(filter(None, (message.content, *calls)))
            plain.append(Message(role=message.role, content=text))
        else:
            plain.append(message)
    return tuple(plain)


def _kept_inside(result: str) -> str:
    """A result is data: it must not look as if it ended and something else began."""
    return result.replace("</tool_response>", "<\\/tool_response>")


def _written(call: ToolCall) -> str:
    return f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'


def template_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Tools as chat templates take them."""
    return [
        {
            "type": "function",
            "function": {
                "name": each.name,
                "description": each.description,
                "parameters": dict(each.parameters) or {"type": "object", "properties": {}},
            },
        }
        for each in tools
    ]


def template_messages(
    messages: Sequence[Message], template: str, written: ToolFormat
) -> list[dict[str, Any]]:
    """Messages as a chat template that knows tools takes them: arguments as an object.

    Raises:
        InvalidRequestError: the arguments of a past call are no JSON object.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    told: list[dict[str, Any]] = []
    for message in messages:
        each: dict[str, Any] = {"role": message.role.value, "content": message.content}
        if message.role is Role.TOOL:
            each["tool_call_id"] = _call_id(message.tool_call_id, written)
            each["name"] = names.get(message.tool_call_id, "")
            told.append(each)
        elif not message.tool_calls:
            told.append(each)
        elif written is ToolFormat.PYTHONIC and "tool_calls" not in template:
            written_calls = ", ".join(_pythonic(call) for call in message.tool_calls)
            told.append(
                {**each, "content": f"{message.content}<|tool_call_start|>[{written_calls}]<|tool_call_end|>"}
            )
        else:
            calls = [_native(call, written) for call in message.tool_calls]
            # Llama's template raises for more than one call in a message.
            groups = [[call] for call in calls] if written is ToolFormat.LLAMA3 else [calls]
            told += ({**each, "tool_calls": group} for group in groups)
    return told


def _native(call: ToolCall, written: ToolFormat) -> dict[str, Any]:
    function = {"name": call.name, "arguments": _object(call)}
    return {"type": "function", "id": _call_id(call.id, written), "function": function}


def _object(call: ToolCall) -> dict[str, Any]:
    try:
        value = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidRequestError("the arguments of a past tool call are no JSON object", param="messages")
    return value


def _pythonic(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in _object(call).items())})"


def _call_id(call_id: str, written: ToolFormat) -> str:
    """Mistral's templates raise for an id that has not 9 letters and digits."""
    if written not in (ToolFormat.MISTRAL, ToolFormat.MISTRAL_ARGS):
        return call_id
    return (
        call_id
        if len(call_id) == 9 and call_id.isalnum()
        else hashlib.sha256(call_id.encode()).hexdigest()[:9]
    )
