"""The routes that only tell: models, health, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse

from sigmavault.contract.ryzan1 import State
from sigmavault.core.manifest import Purpose
from sigmavault.ryzan.http import documented, figures
from sigmavault.ryzan.metrics import CONTENT_TYPE
from sigmavault.ryzan.service import Service, Status

_RETRY_AFTER_S = "5"


class _Served(Protocol):
    """A model that can be asked."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def purpose(self) -> Sequence[Purpose]: ...
    @property
    def context(self) -> int: ...


def spell_model(model: _Served, status: Status) -> dict[str, Any]:
    """A model in OpenAI's shape, with what goes beyond it in an object of its own."""
    told = next((each for each in status.models if each.id == model.id), None)
    more = {
        "name": model.name,
        "purpose": [each.value for each in model.purpose],
        "context_tokens": (told.context_tokens if told else 0) or model.context,
        "trained_context_tokens": model.context,
        "backend": told.backend if told else "local",
        "state": told.state.value if told else None,
        "loaded": told is not None and told.state is State.READY,
        "default": model.id == status.model,
    }
    return {"id": model.id, "object": "model", "created": 0, "owned_by": "sigmavault", "sigmavault": more}


def add_reads(app: FastAPI, service: Service, counted: figures.Figures) -> None:
    """Add the routes."""

    @app.get("/v1/models", responses=documented.MODELS, response_model=None, tags=["models"])
    async def models() -> JSONResponse:
        """The models that can be asked now."""
        status = service.status()
        data = [spell_model(each, status) for each in service.served()]
        return JSONResponse({"object": "list", "data": data})

    @app.get("/v1/models/{model_id:path}", responses=documented.MODEL, response_model=None, tags=["models"])
    async def model(model_id: str) -> JSONResponse:
        """One model."""
        for each in service.served():
            if each.id == model_id:
                return JSONResponse(spell_model(each, service.status()))
        raise service.why_not(model_id)

    @app.get("/health", responses=documented.HEALTH, response_model=None, tags=["service"])
    async def health() -> JSONResponse:
        """Whether the default model answers. Needs no API key."""
        status = service.status()
        told = {"status": status.state.value, "model": status.model, "reason": status.reason}
        if status.state is State.READY:
            return JSONResponse(told)
        return JSONResponse(told, 503, {"Retry-After": _RETRY_AFTER_S})

    @app.get("/metrics", responses=documented.METRICS, response_model=None, tags=["service"])
    async def metrics() -> PlainTextResponse:
        """Figures in Prometheus' text format."""
        text = figures.metrics_text(counted, service.status(), service.counters)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)
