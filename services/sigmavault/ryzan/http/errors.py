"""Failures in OpenAI's shape, with the right status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from sigmavault.core.errors import (
    ContextTooLongError,
    InvalidRequestError,
    ModelBusyError,
    ModelError,
    SigmaVaultError,
    UnknownModelError,
)

_RETRY_AFTER_S = 5


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
        case UnknownModelError():
            code, kind = "model_not_found", "invalid_request_error"
            return 404, body(error.message, kind=kind, code=code, param="model"), {}
        case ModelBusyError():
            wait = {"Retry-After": str(error.retry_after_s)}
            return 429, body(error.message, kind="rate_limit_error", code="queue_full"), wait
        case ModelError():
            wait = {"Retry-After": str(_RETRY_AFTER_S)} if error.recoverable else {}
            code = error.code.replace(".", "_").replace("-", "_")
            return 503, body(error.message, kind="service_unavailable_error", code=code), wait
    return 500, body(error.message, kind="server_error", code="internal_error"), {}


def response(error: SigmaVaultError) -> JSONResponse:
    """The whole answer to a request that failed."""
    status, content, headers = describe(error)
    return JSONResponse(content, status, dict(headers))


def refusal(error: RequestValidationError, unsupported: frozenset[str]) -> JSONResponse:
    """The answer to a request that is not well formed: its first fault, in words.

    Args:
        error: what the validation found.
        unsupported: parameters of OpenAI's that exist and that this version cannot honour.
    """
    first = error.errors()[0]
    # positions within the body; what pydantic adds about alternatives of a type says nothing to a caller
    place = [str(each) for each in first["loc"][1:] if "[" not in str(each)]
    name = ".".join(place)
    code = None
    match first["type"]:
        case "json_invalid":
            name, message = "", "the body is not valid JSON"
        case "missing":
            message = f"{name} is missing" if name else "the body is missing"
        case "extra_forbidden":
            message, code = f"unknown parameter: {name}", "unknown_parameter"
        case _ if name in unsupported:
            message, code = f"{name} is not supported with this value", "unsupported_parameter"
        case _:
            message = f"{name}: {first['msg']}" if name else "the body must be a JSON object"
    content = body(message, kind="invalid_request_error", code=code, param=name or None)
    return JSONResponse(content, 400)
