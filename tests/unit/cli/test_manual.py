"""What is generated is current, and what stands by hand agrees with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from sigmavault.cli.exit_code import MEANINGS, ExitCode
from sigmavault.cli.host.noun import nouns
from sigmavault.core.errors import SigmaVaultError, tree

from scripts.surfaces import manual, reference, renderings

ROOT = Path(__file__).parents[3]
MAN = ROOT / "services/data/usr/share/man/man1"


def test_every_exit_code_has_a_meaning() -> None:
    assert {kind.exit_code for kind in tree(SigmaVaultError)} | set(ExitCode) == set(MEANINGS)


def test_the_manual_has_every_exit_code() -> None:
    _, _, section = (MAN / "sigmavault.1").read_text().partition(".SH EXIT STATUS\n")
    found = re.findall(r"\.TP\n\.B (\d+)\n(.*)", section.partition(".SH")[0])
    assert {int(code): text.lower() for code, text in found} == {
        code: f"{text}.".lower() for code, text in MEANINGS.items()
    }


def test_what_is_generated_is_committed() -> None:
    made = renderings(ROOT)
    stale = [
        path for path, text in made.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    ]
    assert not stale, "`make render` writes them anew"


def test_nothing_generated_is_left_of_operations_that_are_gone() -> None:
    there = {f"{manual.FOLDER}/{path.name}" for path in MAN.glob("sigmavault-*.1")}
    there |= {f"{reference.FOLDER}/{path.name}" for path in (ROOT / reference.FOLDER).iterdir()}
    assert there == {*manual.pages(), *(path for path in reference.pages() if path != reference.INDEX)}


@pytest.mark.runs_programs
@pytest.mark.parametrize("noun", nouns())
def test_the_manual_is_right(noun: str) -> None:
    path = manual.pages()[f"{manual.FOLDER}/sigmavault-{noun}.1"]
    done = subprocess.run(
        ["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-z"],
        input=path,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stderr == ""
