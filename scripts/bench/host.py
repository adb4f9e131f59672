"""`make bench-build`: measure builds on this machine and compare with the bars.

Runs on the building machine, because making the tools tree is part of a cold build.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast

from scripts.bench.bars import Figures, render_table, rows
from scripts.bench.machine import describe
from scripts.bench.measure import (
    Bench,
    commit_of,
    measure_ci_cold,
    measure_ci_warm,
    measure_cold,
    measure_peer,
    measure_warm,
    read_json,
    scratch,
)
from scripts.errors import BuildError
from scripts.host.launch import cache_folder
from scripts.host.machine import check_machine
from scripts.process import CommandError, Runner

_SOURCE = Path(__file__).resolve().parents[2]
_BOOTS = Path("build/test-artefacts")


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Measure what is asked for, keep it in build/bench.json and print the table; 0 unless a build failed."""
    arguments = _parser().parse_args(argv)
    kept = _SOURCE / "build/bench.json"
    try:
        figures = _known(kept)
        if not arguments.table:
            figures = _measure(arguments, environ).over(figures)
            kept.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    except BuildError as error:
        tail = [f"  | {line}" for line in error.tail] if isinstance(error, CommandError) else []
        sys.stderr.write("\n".join([*tail, f"error: {error.message}", *filter(None, [error.hint])]) + "\n")
        return error.exit_code
    boots = cast("Mapping[str, Mapping[str, Any]]", read_json(_SOURCE / _BOOTS / "times.json"))
    sys.stdout.write(render_table(list(rows(figures, boots)), figures.machine))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-build", description=__doc__)
    parser.add_argument("--peer", action="store_true", help="also a plain `lb build` (15 minutes)")
    cold = parser.add_mutually_exclusive_group()
    cold.add_argument("--warm", action="store_true", help="nothing cold: use the usual cache")
    cold.add_argument(
        "--ci", action="store_true", help="the cold build is that of .ci/run, cold and warm (two hours)"
    )
    parser.add_argument("--table", action="store_true", help="measure nothing, print what is known")
    return parser


def _known(path: Path) -> Figures:
    names = {item.name for item in fields(Figures)}
    return Figures(**{key: value for key, value in read_json(path).items() if key in names})  # type: ignore[arg-type]


def _measure(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Figures:
    usual = cache_folder(environ)
    check_machine("bench-build", _SOURCE, usual if arguments.warm else usual.with_name("sigmavault-bench"))
    log = _SOURCE / "build/log/bench-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # The bars are those of the default images.
    environ = {key: value for key, value in environ.items() if key != "VARIANT"}
    with log.open("w", encoding="utf-8") as stream:
        runner = Runner(log=stream, env=environ)
        figures = Figures(commit=commit_of(_SOURCE, runner), machine=describe())
        with scratch(_SOURCE, usual.parent) as (checkout, empty):
            cache = usual if arguments.warm else empty
            bench = Bench(checkout=checkout, cache=cache, runner=runner, say=_say)
            if arguments.ci:
                measure_ci_cold(bench, figures)
                measure_ci_warm(bench, figures)
                shutil.copytree(checkout / _BOOTS, _SOURCE / _BOOTS, dirs_exist_ok=True)
            elif not arguments.warm:
                measure_cold(bench, figures)
            measure_warm(bench, figures)
            if arguments.peer:
                measure_peer(bench, figures)
    return figures


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
