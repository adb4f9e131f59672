"""What each surface is called, out of the declaration of an operation. Pure.

| surface | of `pool.create` |
|---|---|
| D-Bus | method `Create` of `org.sigmavault.Host1.Pool` |
| command | `sigmavault pool create` |
| polkit | action `org.sigmavault.host.pool.create` |
| REST | `POST /v1/pool/create/plan`; a read is `GET /v1/pool/list` |
| MCP and model tools | `pool_create` with the JSON schema of its arguments |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

from pydantic import JsonValue

from sigmavault.core.operation.operation import Change, Operation, Risk

type AnyOperation = Operation[Any, Any]

ACTION_PREFIX = "org.sigmavault.host"
DBUS_PREFIX = "org.sigmavault.Host1"


def noun(operation: AnyOperation | type[AnyOperation]) -> str:
    """`pool` of `pool.create`."""
    return operation.name.partition(".")[0]


def verb(operation: AnyOperation | type[AnyOperation]) -> str:
    """`create` of `pool.create`."""
    return operation.name.partition(".")[2]


def camel(words: str) -> str:
    """`self-test` → `SelfTest`."""
    return "".join(word.capitalize() for word in words.split("-"))


def dbus_interface(noun: str) -> str:
    """`org.sigmavault.Host1.Pool` of `pool`."""
    return f"{DBUS_PREFIX}.{camel(noun)}"


def action_id(operation: AnyOperation | type[AnyOperation]) -> str:
    """The polkit action that applying it needs; for a read, reading it."""
    return f"{ACTION_PREFIX}.{operation.name}"


def tool_name(operation: AnyOperation | type[AnyOperation]) -> str:
    """Its name as a tool of a model: letters, digits and `_` only."""
    return operation.name.replace(".", "_").replace("-", "_")


def arguments_schema(operation: AnyOperation | type[AnyOperation]) -> dict[str, JsonValue]:
    """JSON schema (2020-12) of the arguments."""
    return operation.arguments_type().model_json_schema()


def tool(operation: AnyOperation | type[AnyOperation]) -> dict[str, JsonValue]:
    """The tool that MCP and models see. A change is only planned by it: applying is for people."""
    planned = "" if operation.risk is Risk.READ else " Makes a plan that a person has to confirm."
    return {
        "name": tool_name(operation),
        "description": f"{operation.summary}.{planned}",
        "inputSchema": _for_grammars(arguments_schema(operation)),
        "annotations": {
            "readOnlyHint": operation.risk is Risk.READ,
            "destructiveHint": operation.risk is Risk.DESTROY,
        },
    }


_LONGEST_OF_GRAMMARS: Final = 2000
"""What `core.grammar` counts at most."""


def _for_grammars(schema: Any) -> Any:
    """Without the length of texts that have a pattern, and of long ones: a grammar that counts is too large.

    What is too long is refused with a reason all the same, when the arguments are read.
    """
    if isinstance(schema, list):
        return [_for_grammars(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_long = isinstance(length := schema.get("maxLength"), int) and length > _LONGEST_OF_GRAMMARS
    dropped = {"maxLength"} if is_long or isinstance(schema.get("pattern"), str) else set()
    return {key: _for_grammars(value) for key, value in schema.items() if key not in dropped}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How REST reaches an operation; the arguments are the query of a GET, the body of a POST."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    schema: dict[str, JsonValue]


def route(operation: AnyOperation | type[AnyOperation]) -> Route:
    """The REST route: a read answers, a change plans; `POST /v1/apply` applies any plan."""
    is_read = operation.risk is Risk.READ
    path = f"/v1/{noun(operation)}/{verb(operation)}"
    return Route(
        method="GET" if is_read else "POST", path=path if is_read else f"{path}/plan",
        summary=operation.summary, schema=arguments_schema(operation),
    )  # fmt: skip


def description(operation: AnyOperation | type[AnyOperation]) -> dict[str, JsonValue]:
    """All of the declaration that a client may want, as JSON."""
    secrets: dict[str, JsonValue] = {}
    if issubclass(operation if isinstance(operation, type) else type(operation), Change):
        secrets = dict(operation.secrets)  # type: ignore[union-attr]
    return {
        "name": operation.name, "summary": operation.summary, "risk": operation.risk.value,
        "action": action_id(operation), "private": operation.private, "secrets": secrets,
        "arguments": arguments_schema(operation),
        "answer": operation.answer_type().model_json_schema(mode="serialization"),
    }  # fmt: skip


_POLICY_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<!-- Generated from sigmavault/operations by `make render`. -->
<policyconfig>
  <vendor>SigmaVault</vendor>
"""

_DEFAULTS = {
    "open": ("yes", "yes", "yes"),
    Risk.READ: ("auth_admin", "auth_admin", "auth_admin_keep"),
    Risk.CHANGE: ("auth_admin", "auth_admin", "auth_admin_keep"),
    # asked each time: one password must not open the door for whatever comes next
    Risk.DESTROY: ("auth_admin", "auth_admin", "auth_admin"),
}


def policy(operations: Iterable[type[AnyOperation]]) -> str:
    """The polkit `.policy` file (polkit(8)): one action for each operation."""
    return _POLICY_HEAD + "".join(_action(each) for each in operations) + "</policyconfig>\n"


def _action(operation: type[AnyOperation]) -> str:
    is_open = operation.risk is Risk.READ and not operation.private
    any_, inactive, active = _DEFAULTS["open" if is_open else operation.risk]
    summary = escape(operation.summary)
    return (
        f'  <action id="{action_id(operation)}">\n'
        f"    <description>{summary}</description>\n"
        f"    <message>Authentication is required: {summary}</message>\n"
        f"    <defaults>\n"
        f"      <allow_any>{any_}</allow_any>\n"
        f"      <allow_inactive>{inactive}</allow_inactive>\n"
        f"      <allow_active>{active}</allow_active>\n"
        f"    </defaults>\n"
        f"  </action>\n"
    )
