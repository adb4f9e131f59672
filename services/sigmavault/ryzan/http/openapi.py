"""The OpenAPI document: FastAPI's, made true."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sigmavault.ryzan.http.documented import ChatCompletionChunk

_HEADERS = {
    "x-request-id": "Number of the request.",
    "openai-processing-ms": "Milliseconds until the answer began.",
}
_ANSWER_HEADERS = {
    "x-sigmavault-model": "Id of the model that answers.",
    "x-sigmavault-backend": "`local`, or the name of another server.",
    "x-sigmavault-route": "Why this model.",
}
_GENERATING = ("/v1/chat/completions", "/v1/completions")


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own word for what is a 400 here
    for status, response in responses.items():
        told = dict(_HEADERS)
        if status == "200" and path in _GENERATING:
            told |= _ANSWER_HEADERS
        response["headers"] = {
            **{name: _header(description) for name, description in told.items()},
            **response.get("headers", {}),
        }


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application whose routes are all there."""
    found: dict[str, Any] = FastAPI.openapi(app)
    for path, item in found["paths"].items():
        for operation in item.values():
            _complete(path, operation)
    schemas = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    chunk = ChatCompletionChunk.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {name: schema for name, schema in chunk.pop("$defs").items() if name not in schemas}
    schemas["ChatCompletionChunk"] = chunk
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{}, {"key": []}]  # a key where the owner wants one
    return found
