"""Failures in OpenAI's shape, with the right status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from sigmavault.core.errors import (
    ContextTooLongError,
    InvalidRequestError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    NotAuthorizedError,
    ServiceUnavailableError,
    SigmaVaultError,
    UnknownModelError,
)
from sigmavault.core.wish import Route

_RETRY_AFTER_S = 5
_REPLACEMENTS = {"functions": "tools", "function_call": "tool_choice"}
"""OpenAI's older parameters, and what has their place."""


def body(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """The JSON of a failure."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def describe(error: SigmaVaultError) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Status, JSON and headers of a failure of ours."""
    match error:
        case ContextTooLongError():
            code, kind = "context_length_exceeded", "invalid_request_error"
            return 400, body(error.message, kind=kind, code=code, param=error.param or None), {}
        case InvalidRequestError():
            return 400, body(error.message, kind="invalid_request_error", param=error.param or None), {}
        case NotAuthorizedError():
            return 403, body(error.message, kind="permission_error"), {}
        case UnknownModelError():
            code, kind = "model_not_found", "invalid_request_error"
            return 404, body(error.message, kind=kind, code=code, param="model"), {}
        case ModelRefusedError():  # no 5xx: clients would ask again, and the file stays what it is
            code, kind = "model_refused", "invalid_request_error"
            return 404, body(error.message, kind=kind, code=code, param="model"), {}
        case ModelBusyError():
            wait = {"Retry-After": str(error.retry_after_s)}
            return 429, body(error.message, kind="rate_limit_error", code="queue_full"), wait
        case ModelError() | ServiceUnavailableError():
            wait = {"Retry-After": str(_RETRY_AFTER_S)} if error.recoverable else {}
            code = error.code.replace(".", "_").replace("-", "_")
            return 503, body(error.message, kind="service_unavailable_error", code=code), wait
    return 500, body(error.message, kind="server_error", code="internal_error"), {}


def response(error: SigmaVaultError) -> JSONResponse:
    """The whole answer to a request that failed."""
    status, content, headers = describe(error)
    return JSONResponse(content, status, dict(headers))


def route_headers(route: Route) -> dict[str, str]:
    """Who answers, and why, as headers: printable ASCII."""
    told = {"model": route.model, "backend": route.backend, "route": route.reason}
    return {f"x-sigmavault-{name}": _printable(value) for name, value in told.items()}


def _printable(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def _place(loc: Sequence[int | str], content: Any, *, is_missing: bool) -> str:
    """Where in the body a fault is.

    Pydantic's places also name the alternatives of a type: those are left out.

    Args:
        loc: pydantic's place, without the leading `body`.
        content: the body.
        is_missing: the last part names what is not there.
    """
    found: list[str] = []
    for at, part in enumerate(loc):
        is_last = at == len(loc) - 1
        is_key = isinstance(content, dict) and part in content
        if is_key or (isinstance(content, list) and isinstance(part, int) and part < len(content)):
            content = content[part]
        elif not (is_last and is_missing):
            continue
        found.append(str(part))
    return ".".join(found)


def refusal(error: RequestValidationError, unsupported: frozenset[str]) -> JSONResponse:
    """The answer to a request that is not well formed: its first fault, in words.

    Args:
        error: what the validation found.
        unsupported: parameters of OpenAI's that exist and that this service cannot honour.
    """
    first = error.errors()[0]
    name = _place(first["loc"][1:], error.body, is_missing=first["type"] == "missing")
    code = None
    match first["type"]:
        case "json_invalid":
            name, message = "", "the body is not valid JSON"
        case "refused":
            name, message = first["ctx"]["param"], first["msg"]
        case "missing":
            message = f"{name} is missing" if name else "the body is missing"
        case "extra_forbidden":
            message, code = f"unknown parameter: {name}", "unknown_parameter"
        case "union_tag_invalid" | "union_tag_not_found":
            name = f"{name}.{first['ctx']['discriminator'].strip("'")}"
            message = f"{name} must be one of {_tags(first)}"
        case _ if name in unsupported:
            instead = f"; use {_REPLACEMENTS[name]}" if name in _REPLACEMENTS else ""
            message, code = f"{name} is not supported with this value{instead}", "unsupported_parameter"
        case _:
            message = f"{name}: {first['msg']}" if name else "the body must be a JSON object"
    content = body(message, kind="invalid_request_error", code=code, param=name or None)
    return JSONResponse(content, 400)


def _tags(found: Mapping[str, Any]) -> str:
    told = found["ctx"].get("expected_tags", "")
    return str(told).replace("'", "") or "the known ones"
