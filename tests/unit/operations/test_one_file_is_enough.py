"""A new operation is one file: a throw-away one is found on every surface without another edit."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault import operations
from sigmavault.cli.main import main, parser
from sigmavault.core.operation.interface import interface_xml
from sigmavault.core.operation.surfaces import description, policy, route, tool
from sigmavault.hostd.bus.nouns import interfaces
from sigmavault.operations import registry

from scripts.surfaces import renderings

SOURCE = Path(__file__).parents[3]
OPERATION = '''
from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DiskName, PoolName
from sigmavault.core.operation import Arguments, Bytes, Change, Machine, Plan, Positional, Risk, Step


class PolishArguments(Arguments):
    """What, and how."""

    pool: Annotated[PoolName, Positional()] = Field(description="the pool that shines", examples=["tank"])
    wax: Bytes = Field(description="how much wax", examples=[1024])
    brush: tuple[DiskName, ...] = Field(default=(), description="a brush")


class Polish(Change[PolishArguments, PolishArguments]):
    """Makes it shine."""

    name = "gadget.deep-polish"
    summary = "Polish a gadget until it shines"
    risk = Risk.DESTROY
    examples = ("gadget deep-polish tank --wax 1K",)

    def plan(self, arguments: PolishArguments, machine: Machine) -> Plan:
        raise NotImplementedError
'''


@pytest.fixture
def gadget(tmp_path: Path) -> Iterator[None]:
    place = tmp_path / "gadget"
    place.mkdir()
    (place / "__init__.py").write_text('"""Gadgets that shine."""\n')
    (place / "deep_polish.py").write_text(OPERATION)
    registry.add_folder(tmp_path)
    yield
    operations.__path__.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("sigmavault.operations.gadget")]:
        del sys.modules[name]
    registry.of_noun.cache_clear()


def test_it_is_on_the_bus(gadget: None) -> None:
    nouns = {"gadget": registry.of_noun("gadget")}
    (made,) = interfaces(nouns, _nothing, _nothing)
    method = vars(made)["on_gadget_deep_polish"]
    assert (method.interface_name, method.method_name) == ("org.sigmavault.Host1.Gadget", "DeepPolish")
    assert (method.input_signature, method.result_signature) == ("s", "ss")
    tree = ET.fromstring(interface_xml("gadget", nouns["gadget"].values()))  # noqa: S314  # our own
    assert [each.get("name") for each in tree.iter("method")] == ["DeepPolish"]


async def _nothing(*_: object) -> None: ...


def test_it_is_a_command(gadget: None, capsys: pytest.CaptureFixture[str]) -> None:
    given = parser("gadget").parse_args(["gadget", "deep-polish", "tank", "--wax", "1.5K", "--brush", "WD-1"])
    assert (given.pool, given.wax, given.brush) == ("tank", 1536, ["WD-1"])
    for argv, told in (["--help"], "gadgets that shine"), (["gadget", "--help"], "deep-polish"):
        with pytest.raises(SystemExit):
            main(argv)
        assert told in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["gadget", "deep-polish", "--help"])
    text = capsys.readouterr().out
    assert all(each in text for each in ("the pool that shines", "--wax SIZE", "--brush BRUSH", "--confirm"))


def test_it_is_a_tool_a_route_and_a_description(gadget: None) -> None:
    operation = registry.find("gadget.deep-polish")
    made = tool(operation)
    assert made["name"] == "gadget_deep_polish"
    assert made["annotations"] == {"readOnlyHint": False, "destructiveHint": True}
    assert '"how much wax"' in json.dumps(made["inputSchema"])
    assert (route(operation).method, route(operation).path) == ("POST", "/v1/gadget/deep-polish/plan")
    assert description(operation)["action"] == "org.sigmavault.host.gadget.deep-polish"


def test_polkit_asks_for_the_password_each_time(gadget: None) -> None:
    tree = ET.fromstring(policy(registry.of_noun("gadget").values()))  # noqa: S314
    (action,) = tree.iter("action")
    assert action.get("id") == "org.sigmavault.host.gadget.deep-polish"
    assert action.findtext("defaults/allow_active") == "auth_admin"


def test_it_is_in_every_file_that_is_rendered(gadget: None) -> None:
    made = renderings(SOURCE)
    folder = "services/data/usr/share"
    for path, words in (
        ("docs/reference/operations.md", "`gadget.deep-polish`"),
        (
            "docs/reference/operations/gadget.md",
            "sigmavault gadget deep-polish POOL --wax SIZE [--brush BRUSH]...",
        ),
        (f"{folder}/man/man1/sigmavault-gadget.1", "gadget deep\\-polish POOL \\-\\-wax SIZE"),
        (f"{folder}/bash-completion/completions/sigmavault", '"gadget deep-polish")'),
        (f"{folder}/polkit-1/actions/org.sigmavault.host.policy", "org.sigmavault.host.gadget.deep-polish"),
        (f"{folder}/dbus-1/interfaces/org.sigmavault.Host1.Gadget.xml", '<method name="DeepPolish">'),
    ):
        assert words in made[path], path
    assert 'places="@pool"' in made[f"{folder}/bash-completion/completions/sigmavault"]
    assert "--brush=@disk" in made[f"{folder}/bash-completion/completions/sigmavault"]
