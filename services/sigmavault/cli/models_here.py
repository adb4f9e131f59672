"""Reads which models there are: the manifest, the files of this machine, and what the service tells."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sigmavault.cli.known_models import Known, put_together
from sigmavault.cli.ryzan import Values, connect, hinted
from sigmavault.core.errors import ConfigError, ServiceUnavailableError, UnknownModelError
from sigmavault.core.manifest import Manifest, parse_manifest
from sigmavault.system import env
from sigmavault.system.yaml_file import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        models: all known ones.
        default: id of the model that answers when none is named; empty where the service does not tell.
        unread: what could not be read, and why, one sentence each.
    """

    models: tuple[Known, ...]
    default: str
    unread: tuple[str, ...]

    def find(self, model_id: str) -> Known:
        """The model of this id.

        Raises:
            UnknownModelError: there is none.
        """
        for each in self.models:
            if each.id == model_id:
                return each
        raise hinted(UnknownModelError(f"no model is called {model_id!r}"))


def survey() -> Survey:
    """All models. The service is not started for being asked."""
    unread: list[str] = []
    manifest: Manifest | None = None
    try:
        file = env.paths().manifest
        manifest = parse_manifest(read_yaml(file), file.name)
    except ConfigError as error:
        unread.append(f"manifest: {error.message}")
    default, live = "", list[Values]()
    try:
        default, live = asyncio.run(_ask())
    except ServiceUnavailableError as error:
        unread.append(f"what is loaded: {error.message}")
    return Survey(models=put_together(manifest, live, _find), default=default, unread=tuple(unread))


async def _ask() -> tuple[str, list[Values]]:
    with connect(quick=True) as ryzan:
        if not await ryzan.is_running():
            raise ServiceUnavailableError("the model service does not run")
        return (await ryzan.status())["model"], await ryzan.models()


def _find(name: str) -> Path | None:
    files = (folder / name for folder in env.paths().models if name)
    return next((file for file in files if _is_file(file)), None)


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a folder that who asks may not look into
        return False
