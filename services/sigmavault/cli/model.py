"""`sigmavault model`: a table of its own commands, like `sigmavault`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from sigmavault.core.values import sentence

HELP = "the models: list, show, fetch, remove, load, unload, measure, erase kept answers"

ACTIONS: Mapping[str, str] = {
    "list": "sigmavault.cli.model_list",
    "show": "sigmavault.cli.model_show",
    "download": "sigmavault.cli.model_download",
    "downloads": "sigmavault.cli.model_downloads",
    "pause": "sigmavault.cli.model_pause",
    "resume": "sigmavault.cli.model_resume",
    "cancel": "sigmavault.cli.model_cancel",
    "remove": "sigmavault.cli.model_remove",
    "place": "sigmavault.cli.model_place",
    "load": "sigmavault.cli.model_load",
    "unload": "sigmavault.cli.model_unload",
    "bench": "sigmavault.cli.model_bench",
    "clear-answers": "sigmavault.cli.model_clear_answers",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.description = "The models that this machine knows, has and has loaded."
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name in ACTIONS:
        module = _module(name)
        text = sentence(module.HELP)
        action = actions.add_parser(name, help=module.HELP, description=text)
        module.add_arguments(action)


def run(arguments: argparse.Namespace) -> int:
    """Run one action."""
    return int(_module(arguments.action).run(arguments))


def _module(name: str) -> ModuleType:
    return import_module(ACTIONS[name])
