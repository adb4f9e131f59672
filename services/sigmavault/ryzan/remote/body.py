"""From a wish to the body of a request to another server."""

from __future__ import annotations

from typing import Any

from sigmavault.core.chat import EmbedRequest, Message, Text, Tokens, Tool
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.wish import ToolMode, Wish


def spell(wish: Wish, model: str) -> tuple[str, dict[str, Any]]:
    """Path below `/v1` and JSON of a streamed request.

    Args:
        wish: what is asked.
        model: what the server names its model.

    Raises:
        InvalidRequestError: OpenAI's API has no word for it.
    """
    if wish.grammar:
        raise InvalidRequestError("grammars are for models of this machine", param="grammar")
    body = {"model": model, "stream": True, "stream_options": {"include_usage": True}, **_sampling(wish)}
    match wish.prompt:
        case Text(text=text):
            return "completions", {**body, "prompt": text, **_legacy(wish)}
        case Tokens(tokens=tokens):
            return "completions", {**body, "prompt": list(tokens), **_legacy(wish)}
    return "chat/completions", {**body, **_conversation(wish, wish.prompt)}


def spell_embedding(request: EmbedRequest, model: str) -> dict[str, Any]:
    """JSON of a request for vectors.

    Raises:
        InvalidRequestError: texts and token numbers are mixed.
    """
    texts = [each.text for each in request.inputs if isinstance(each, Text)]
    numbers = [list(each.tokens) for each in request.inputs if isinstance(each, Tokens)]
    if texts and numbers:
        raise InvalidRequestError("texts and token numbers in one request", param="input")
    return {"model": model, "input": texts or numbers, "encoding_format": "float"}


def _sampling(wish: Wish) -> dict[str, Any]:
    """What the caller said; what it left open is for the other server to decide."""
    told = {
        "temperature": wish.temperature,
        "top_p": wish.top_p,
        "top_k": wish.top_k,
        "min_p": wish.min_p,
        "seed": wish.seed,
        "frequency_penalty": wish.frequency_penalty or None,
        "presence_penalty": wish.presence_penalty or None,
        "repeat_penalty": None if wish.repeat_penalty == 1.0 else wish.repeat_penalty,
        "logit_bias": {str(token): value for token, value in wish.logit_bias} or None,
        "stop": list(wish.stop) or None,
        "max_tokens": wish.max_tokens,
        "n": wish.choices if wish.choices > 1 else None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _legacy(wish: Wish) -> dict[str, Any]:
    return {} if wish.top_logprobs is None else {"logprobs": wish.top_logprobs}


def _conversation(wish: Wish, messages: tuple[Message, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [_message(each) for each in messages]}
    if wish.tools:
        body |= {"tools": [_tool(each) for each in wish.tools], "tool_choice": _tool_choice(wish)}
        body["parallel_tool_calls"] = wish.parallel_tool_calls
    if (form := wish.response_format) is not None:
        schema = {"name": form.name or "answer", "schema": form.schema, "strict": form.strict}
        body["response_format"] = (
            {"type": "json_object"} if form.schema is None else {"type": "json_schema", "json_schema": schema}
        )
    if wish.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": wish.top_logprobs}
    return body


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        told["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        told["tool_call_id"] = message.tool_call_id
    return told


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _tool_choice(wish: Wish) -> Any:
    if wish.tool_choice.mode is ToolMode.NAMED:
        return {"type": "function", "function": {"name": wish.tool_choice.name}}
    return wish.tool_choice.mode.value
