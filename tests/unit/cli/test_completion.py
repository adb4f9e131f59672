"""The completion of bash knows what the command knows; zsh is told what bash offers."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from sigmavault.cli.main import COMMANDS, parser

ROOT = Path(__file__).parents[3]
DATA = ROOT / "services/data"
FILE = DATA / "usr/share/bash-completion/completions/sigmavault"
COMPLETE = "usr/libexec/sigmavault/complete"
"""What zsh starts (`vendor-completions/_sigmavault`)."""

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


def told_zsh(*words: str, env: Mapping[str, str] = MappingProxyType({})) -> set[str]:
    """What zsh is told for the last word."""
    told = {
        "PATH": os.environ["PATH"],
        "SIGMAVAULT_MANIFEST": os.fspath(ROOT / "models-manifest.yaml"),
        **env,
    }
    done = subprocess.run(
        [DATA / COMPLETE, str(len(words)), "sigmavault", *words],
        env=told, capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    assert done.stderr == ""
    return {line for line in done.stdout.split("\n") if line}


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


@pytest.mark.parametrize(
    "words", [("",), ("po",), ("pool", ""), ("pool", "create", "new", "mi"), ("model", "show", "smol"),
              ("pool", "create", "--sp"), ("chat", "--system", "")],
)  # fmt: skip
def test_zsh_is_told_what_bash_offers(words: tuple[str, ...]) -> None:
    assert told_zsh(*words) == completed(*words)


def test_zsh_gets_names_as_they_are_and_quotes_them_itself(names: dict[str, str]) -> None:
    assert told_zsh("pool", "show", "o", env=names) == {"tank", "old pool"}
    assert told_zsh("snapshot", "rollback", "tank/a@m", env=names) == {"tank/a@monday", "tank/a@tuesday"}
    assert told_zsh("pool", "create", "new", "mirror", "us", env=names) == {"ata-WD_1", "usb-0:0"}


def test_zsh_is_told_where_files_stand() -> None:
    assert told_zsh("setup", "--answers", "") == {"/default"}
    assert told_zsh("key", "export", "tank", "--save", "") == {"/default"}
    assert told_zsh("secure-boot", "enrol", "") == {"/dirnames", "--help"}


def test_zsh_finds_its_completion_and_what_that_starts() -> None:
    text = (DATA / "usr/share/zsh/vendor-completions/_sigmavault").read_text()
    assert text.startswith("#compdef sigmavault\n"), "compinit(zshcompsys) reads the first line"
    assert re.findall(r"/usr/libexec/\S+", text) == [f"/{COMPLETE}"]
    assert os.access(DATA / COMPLETE, os.X_OK)
