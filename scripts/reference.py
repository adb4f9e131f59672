"""Reference pages that are generated from the code, so that they cannot say anything else.

`make render` writes them; a test fails while a committed page is stale.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import typing
from collections.abc import Iterator
from enum import Enum, EnumType
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scripts import errors
from scripts.spec.model import Spec

_SERVICES = os.fspath(Path(__file__).resolve().parent.parent / "services")
_INTRO = """\
# image.yaml

The one description of the image. It is checked whole before anything is built: an unknown key, a wrong type,
an unknown feature, a missing role or a package listed twice is reported with its line, the build ends with
exit code 2, and nothing was touched. `sudo make check` does only that.

Generated from `scripts/spec/model.py` by `make render`.
"""
_RYZAN = """\
# ryzan.toml

The configuration of the model service: `/usr/lib/sigmavault/ryzan.toml` says what holds unless
`/etc/sigmavault/ryzan.toml` says otherwise, key by key; lists are taken whole. It is checked whole when
the service starts: an unknown key or a value that cannot be is reported with its file and key, and the
service ends with exit code 2. `systemctl restart sigmavault-ryzan` puts a change into effect.

Generated from `services/sigmavault/ryzan/config.py` by `make render`.
"""
_MODELS_D = """\
# models.d

Where models come from beside the addresses of the manifest: `/etc/sigmavault/models.d/*.yaml`, read in the
order of their names, after those of `/usr/lib/sigmavault/models.d`. Mirrors add up and are asked in that
order; of the other keys the last file that has one holds. They are checked whole for each download: while one
is wrong, nothing is fetched, and the reason names file and key.

Generated from `services/sigmavault/core/downloads/mirrors.py` by `make render`.
"""
_HEAD = "| key | value | meaning |\n|---|---|---|\n"
_CODES = """\
# Exit codes of the build

Generated from `scripts/errors.py` by `make render`.

| code | meaning |
|---|---|
| 0 | done |
"""
_COMMAND_CODES = """
# Exit codes of `sigmavault`

Generated from `services/sigmavault/cli/exit_code.py` by `make render`.

| code | meaning |
|---|---|
"""


def image_yaml_page() -> str:
    """`docs/reference/image-yaml.md`."""
    return _INTRO + "".join(_model_section(model, title) for title, model in _models(Spec, "top level"))


def ryzan_toml_page() -> str:
    """`docs/reference/ryzan-toml.md`."""
    _find_services()
    from sigmavault.ryzan.config import Settings

    return _RYZAN + "".join(_model_section(model, title) for title, model in _models(Settings, "top level"))


def models_d_page() -> str:
    """`docs/reference/models-d.md`."""
    _find_services()
    from sigmavault.core.downloads.mirrors import FolderMirror, HttpMirror, MirrorFile

    parts = (
        (MirrorFile, "top level"),
        (HttpMirror, "mirrors: a server"),
        (FolderMirror, "mirrors: a folder"),
    )
    text = "".join(_model_section(model, title) for model, title in parts)
    # a key that is left out says nothing: what holds then stands in its meaning
    return _MODELS_D + text.replace(" or null", "").replace(", default None", "")


def exit_codes_page() -> str:
    """`docs/reference/exit-codes.md`."""
    classes = [item for _name, item in inspect.getmembers(errors, inspect.isclass)]
    rows = sorted((item.exit_code, inspect.getdoc(item) or "") for item in classes)
    lines = [f"| {code} | {text.splitlines()[0]} |\n" for code, text in rows]
    return _CODES + "".join(lines) + "| 130 | interrupted |\n" + _command_codes()


def _command_codes() -> str:
    _find_services()
    from sigmavault.cli.exit_code import MEANINGS

    return _COMMAND_CODES + "".join(f"| {code} | {text} |\n" for code, text in MEANINGS.items())


def _find_services() -> None:
    if _SERVICES not in sys.path:
        sys.path.append(_SERVICES)  # the builder itself needs nothing of what it builds


def _models(model: type[BaseModel], title: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and the models below it, each once, outermost first."""
    yield title, model
    for name, field in model.model_fields.items():
        for inner in _inner_models(field.annotation):
            key = f"{name}.*" if typing.get_origin(field.annotation) is dict else name
            yield from _models(inner, key if title == "top level" else f"{title}.{key}")


def _inner_models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _inner_models(part)]


def _model_section(model: type[BaseModel], title: str) -> str:
    rows = "".join(_row(name, field) for name, field in model.model_fields.items())
    return f"\n## {title}\n\n{(inspect.getdoc(model) or '').splitlines()[0]}\n\n{_HEAD}{rows}"


def _row(name: str, field: FieldInfo) -> str:
    sections = field.is_required() or isinstance(field.default, BaseModel)
    needed = "" if sections else f", default {_default(field.default)}"
    return f"| `{name}` | {_kind(field)}{needed} | {field.description or ''} |\n"


def _default(value: object) -> str:
    if value in ((), ""):
        return "none"
    if isinstance(value, bool | tuple):
        return json.dumps(value)  # as TOML spells it too
    return repr(value)


def _kind(field: FieldInfo) -> str:
    """The type of a field in words, with its bounds."""
    bounds = [_bound(item) for item in field.metadata]
    return ", ".join(filter(None, [_type(field.annotation), *bounds]))


def _type(annotation: object) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, tuple):
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return "mapping by name"
    if origin is typing.Annotated:
        return ", ".join(filter(None, [_type(parts[0]), *(_bound(item) for item in parts[1:])]))
    if origin is typing.Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if parts:
        return " or ".join(_type(part) for part in parts)
    if isinstance(annotation, EnumType):
        members: list[Enum] = list(annotation)
        return " or ".join(f"`{item.value}`" for item in members)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    words = {"str": "text", "int": "number", "float": "number", "bool": "true or false", "NoneType": "null"}
    return words.get(getattr(annotation, "__name__", ""), "value")


def _bound(item: object) -> str:
    """A constraint in words, from pydantic's or annotated-types' own classes."""
    if isinstance(item, FieldInfo):
        return ", ".join(filter(None, (_bound(part) for part in item.metadata)))
    pattern = getattr(item, "pattern", None)
    if pattern:
        return f"`{pattern}`".replace("|", "\\|")
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("min_length", "length ≥")):
        value = getattr(item, name, None)
        if value is not None:
            return f"{sign} {value}"
    return ""
