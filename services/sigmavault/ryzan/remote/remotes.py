"""All other servers of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sigmavault.ryzan.backend import Served
from sigmavault.ryzan.config import Backend as Told
from sigmavault.ryzan.remote.backend import RemoteBackend


class Remotes:
    """Which server has which model; each model has one."""

    def __init__(self, told: Sequence[Told], relay: Path) -> None:
        self._backends = [RemoteBackend(each, relay) for each in told]
        self._owners = {
            model.id: backend
            for each, backend in zip(told, self._backends, strict=True)
            for model in each.model
        }

    def find(self, model_id: str) -> RemoteBackend | None:
        """The server that answers for a model; None for a local one."""
        return self._owners.get(model_id)

    def fallback(self, model_id: str) -> str:
        """The local model that answers while the model's server is gone."""
        return self._owners[model_id].fallback(model_id)

    def known(self) -> tuple[Served, ...]:
        """All their models."""
        return tuple(model for each in self._backends for model in each.known())

    def served(self) -> tuple[Served, ...]:
        """The models that can be asked."""
        return tuple(model for each in self._backends for model in each.served())

    async def close(self) -> None:
        """Close all connections."""
        for each in self._backends:
            await each.close()
