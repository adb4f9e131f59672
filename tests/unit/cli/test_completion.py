"""The completion of bash knows what the command knows."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from sigmavault.cli.main import COMMANDS, parser

ROOT = Path(__file__).parents[3]
FILE = ROOT / "services/data/usr/share/bash-completion/completions/sigmavault"

pytestmark = pytest.mark.runs_programs


def completed(*words: str, env: Mapping[str, str] = MappingProxyType({})) -> set[str]:
    """What is offered for the last word."""
    script = (
        f'compopt() {{ :; }}; . {FILE}; COMP_WORDS=(sigmavault "$@"); COMP_CWORD=$#; _sigmavault; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    manifest = os.fspath(ROOT / "models-manifest.yaml")
    told = {"PATH": os.environ["PATH"], "SIGMAVAULT_MANIFEST": manifest, **env}
    done = subprocess.run(
        ["bash", "-uc", script, "bash", *words],
        env=told,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def offered(command: argparse.ArgumentParser) -> Iterator[str]:
    """The words and long options of a parser."""
    for action in (each for each in command._actions if each.help != argparse.SUPPRESS):
        yield from (each for each in action.option_strings if each.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices


def parsers(command: argparse.ArgumentParser, *words: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    yield words, set(offered(command))
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from parsers(child, *words, name)


def test_every_command_and_option_is_offered() -> None:
    all_of_it = dict(parsers(parser()))
    assert set(COMMANDS) < all_of_it[()]
    for words, known in all_of_it.items():
        found = completed(*words, "") | (completed(*words, "-") if len(words) == 2 else set())
        assert {each for each in found if each.startswith("--")} == {
            each for each in known if each[0] == "-"
        }, words
        assert {each for each in known if each[0] != "-"} <= found, words


def test_models_are_offered_where_one_is_asked_for() -> None:
    assert completed("model", "show", "smollm2-135") == {"smollm2-135m-instruct"}
    assert completed("chat", "--model", "au") == {"auto"}
    assert completed("chat", "--system", "") == set()


@pytest.fixture
def names(tmp_path: Path) -> dict[str, str]:
    """The environment of a `sigmavault` that knows two pools and a disk."""
    program = tmp_path / "sigmavault"
    program.write_text(
        '#!/bin/sh\n[ "$1 $2" = "_names pool" ] && printf "tank\\nold pool\\n"\n'
        '[ "$1 $2" = "_names snapshot" ] && printf "tank/a@monday\\ntank/a@tuesday\\n"\n'
        '[ "$1 $2" = "_names disk" ] && printf "ata-WD_1\\nusb-0:0\\n"\necho complaint >&2\nexit 0\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_what_is_there_is_offered_where_it_belongs(names: dict[str, str]) -> None:
    assert completed("pool", "show", "", env=names) == {"tank", "old\\", "pool"}
    assert completed("pool", "create", "new", "mi", env=names) == {"mirror"}
    assert completed("pool", "create", "new", "mirror", "", env=names) == {"ata-WD_1", "usb-0:0"}
    assert completed("pool", "create", "new", "mirror", "ata-WD_1", "ata", env=names) == {"ata-WD_1"}
    assert completed("pool", "create", "--spare", "ata", env=names) == {"ata-WD_1"}
    assert completed("pool", "create", "--spare", "x", "new", "mir", env=names) == {"mirror"}
    assert completed("pool", "create", "--sp", env=names) == {"--spare", "--special"}
    assert completed("pool", "create", "-", env=names) >= {"--yes", "--dry-run", "--json", "--help"}
    assert completed("pool", "show", "tank", "", env=names) >= {"--json"}


def test_a_snapshot_is_completed_behind_its_at(names: dict[str, str]) -> None:
    assert completed("snapshot", "rollback", "tank/a@m", env=names) == {"monday"}
