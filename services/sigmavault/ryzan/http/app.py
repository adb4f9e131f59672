"""The HTTP side of the service, put together."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import sigmavault
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.wish import Answer, Wish
from sigmavault.ryzan.connected import ClientGoneError, while_connected
from sigmavault.ryzan.http import answering, chat_body, completion_body, documented, embeddings, errors
from sigmavault.ryzan.http.body import LIMIT_BYTES, BadBodyError, Route
from sigmavault.ryzan.http.chat_style import ChatStyle
from sigmavault.ryzan.http.completion_style import CompletionStyle
from sigmavault.ryzan.http.edge import ASKED, Edge
from sigmavault.ryzan.http.figures import Figures, Watched
from sigmavault.ryzan.http.guard import CALLER, App, Guard
from sigmavault.ryzan.http.keys import Keys
from sigmavault.ryzan.http.openapi import document
from sigmavault.ryzan.http.reads import add_reads
from sigmavault.ryzan.http.together import ask_together
from sigmavault.ryzan.service import Service

_CLIENT_GONE = 499  # as nginx logs it; nobody sees it
_POSTS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings"})
_UNSUPPORTED = chat_body.UNSUPPORTED | completion_body.UNSUPPORTED


def build(service: Service, keys: Keys) -> App:
    """The whole HTTP side of the service.

    Args:
        service: that answers.
        keys: asked for on TCP, if there are any.
    """
    app = FastAPI(
        title="SigmaVault Ryzan", version=sigmavault.__version__, docs_url=None, redoc_url=None,
        openapi_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.router.route_class = Route
    figures = Figures()
    _add_chat(app, service, figures)
    _add_completions(app, service, figures)
    _add_embeddings(app, service, figures)
    add_reads(app, service, figures)
    _add_document(app)
    _add_failures(app)
    return Edge(Guard(app, body_limit=LIMIT_BYTES, posts=_POSTS, keys=keys), figures)


def _add_chat(app: FastAPI, service: Service, figures: Figures) -> None:
    @app.post("/v1/chat/completions", responses=documented.CHAT, response_model=None, tags=["answers"])
    async def chat(body: chat_body.ChatBody, request: Request) -> Response:
        """Answer a conversation."""
        wish = body.wish(request.scope[CALLER])

        async def ask() -> Answer:
            return Watched(await service.answer(body.model, wish), figures, request.scope[ASKED])

        style = ChatStyle(
            choices=wish.choices,
            with_logprobs=wish.top_logprobs is not None,
            with_usage=body.wants_usage,
            with_tools=bool(wish.tools),
        )
        return await answering.respond(
            request.receive, ask, style, streamed=bool(body.stream), with_usage=body.wants_usage
        )


def _add_completions(app: FastAPI, service: Service, figures: Figures) -> None:
    @app.post("/v1/completions", responses=documented.COMPLETIONS, response_model=None, tags=["answers"])
    async def completions(body: completion_body.CompletionBody, request: Request) -> Response:
        """Continue texts as they are, without the model's chat template."""
        wishes = body.wishes(request.scope[CALLER])

        async def one(wish: Wish) -> Answer:
            return await service.answer(body.model, wish)

        async def ask() -> Answer:
            return Watched(await ask_together(one, wishes), figures, request.scope[ASKED])

        style = CompletionStyle(
            choices=sum(each.choices for each in wishes),
            with_logprobs=body.logprobs is not None,
            with_usage=body.wants_usage,
        )
        return await answering.respond(
            request.receive, ask, style, streamed=bool(body.stream), with_usage=body.wants_usage
        )


def _add_embeddings(app: FastAPI, service: Service, figures: Figures) -> None:
    @app.post("/v1/embeddings", responses=documented.EMBEDDINGS, response_model=None, tags=["answers"])
    async def embed(body: embeddings.EmbeddingBody, request: Request) -> Response:
        """The meaning of texts as vectors."""
        work = service.embed(body.model, body.request(), request.scope[CALLER])
        route, embedded = await while_connected(request.receive, work, harmless=SigmaVaultError)
        figures.prompt_tokens.add(route.model, by=embedded.prompt_tokens)
        made = embeddings.answer(body, route.model, embedded, matryoshka=_is_matryoshka(service, route.model))
        return JSONResponse(made, headers=errors.route_headers(route))


def _is_matryoshka(service: Service, model_id: str) -> bool:
    known = next((each for each in service.manifest.models if each.id == model_id), None)
    return known is not None and known.embedding is not None and known.embedding.matryoshka


def _add_document(app: FastAPI) -> None:
    app.openapi = lambda: document(app)  # type: ignore[method-assign]  # FastAPI's way to change it

    @app.get("/openapi.json", include_in_schema=False, response_model=None)
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())


def _add_failures(app: FastAPI) -> None:
    @app.exception_handler(SigmaVaultError)
    async def ours(_request: Request, error: SigmaVaultError) -> JSONResponse:
        return errors.response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return errors.refusal(error, _UNSUPPORTED)

    @app.exception_handler(ClientGoneError)
    async def gone(_request: Request, _error: ClientGoneError) -> Response:
        return Response(status_code=_CLIENT_GONE)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error, BadBodyError):
            message, param = error.detail, error.param or None
        else:
            message, param = f"{request.method} {request.url.path}: {error.detail}", None
        content = errors.body(message, kind="invalid_request_error", param=param)
        return JSONResponse(content, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        # the traceback is logged by the server; the caller learns no inner detail
        content = errors.body("the service failed", kind="server_error", code="internal_error")
        return JSONResponse(content, 500)
