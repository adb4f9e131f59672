"""The routes."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import sigmavault
from sigmavault.contract.ryzan1 import State
from sigmavault.core.errors import SigmaVaultError, UnknownModelError
from sigmavault.core.manifest import Model
from sigmavault.ryzan.http import chat, errors
from sigmavault.ryzan.http.guard import Guard
from sigmavault.ryzan.http.schema import UNSUPPORTED, ChatBody
from sigmavault.ryzan.service import Service

_BODY_LIMIT = 4 * 1024 * 1024
_CLIENT_GONE = 499  # as nginx logs it; nobody sees it

_log = logging.getLogger(__name__)


def build(service: Service) -> Guard:
    """The whole HTTP side of the service."""
    app = FastAPI(title="SigmaVault Ryzan", version=sigmavault.__version__, docs_url=None, redoc_url=None)
    _add_chat(app, service)
    _add_reads(app, service)
    _add_failures(app)
    return Guard(app, body_limit=_BODY_LIMIT)


def _add_chat(app: FastAPI, service: Service) -> None:
    @app.post("/v1/chat/completions", response_model=None)
    async def complete(body: ChatBody, request: Request) -> Response:
        head = chat.Head(model=body.model)
        answer = await chat.while_connected(request.receive, service.answer(body.model, body.wish()))
        try:
            if not body.stream:
                return JSONResponse(await chat.while_connected(request.receive, chat.whole(answer, head)))
            started = await chat.while_connected(request.receive, chat.begin(answer))
        except BaseException:
            answer.cancel()
            raise
        return chat.Stream(answer, head, started, with_usage=body.wants_usage)


def _model_object(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": 0, "owned_by": "sigmavault"}


def _add_reads(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_model_object(each) for each in service.served()]}

    @app.get("/v1/models/{model_id}")
    async def model(model_id: str) -> dict[str, Any]:
        for each in service.served():
            if each.id == model_id:
                return _model_object(each)
        raise UnknownModelError(f"no model is called {model_id!r}")

    @app.get("/health", response_model=None)
    async def health() -> JSONResponse:
        status = service.status()
        code = 200 if status.state is State.READY else 503
        told = {"status": status.state.value, "model": status.model, "reason": status.reason}
        return JSONResponse(told, code)


def _add_failures(app: FastAPI) -> None:
    @app.exception_handler(SigmaVaultError)
    async def ours(_request: Request, error: SigmaVaultError) -> JSONResponse:
        return errors.response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return errors.refusal(error, UNSUPPORTED)

    @app.exception_handler(chat.ClientGoneError)
    async def gone(_request: Request, _error: chat.ClientGoneError) -> Response:
        return Response(status_code=_CLIENT_GONE)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}"
        content = errors.body(message, kind="invalid_request_error")
        return JSONResponse(content, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, error: Exception) -> JSONResponse:
        # the traceback is logged by the server; the caller learns no inner detail
        content = errors.body("the service failed", kind="server_error", code="internal_error")
        return JSONResponse(content, 500)
