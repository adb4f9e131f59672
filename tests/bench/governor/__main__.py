"""`make bench-governor`: what file serving loses to a model that computes, with the governor and without it.

The disk image boots in a machine with one CPU: with as many as the host has, the model would take the
host's CPU time from the client that measures, which no governor can see. Rounds of the three states follow
each other; what counts is the ratio of their medians.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.governor.measures import Bench, Round, State
from tests.vm.machine.machine import Machine, Options, Place
from tests.vm.stage import NFS, SMB, SSH, Target, hardware_of, place_of

BAR, P99_BAR = 0.95, 1.5
RHYTHM_S, MOST_CHANGES = 300.0, 30


def main(argv: list[str]) -> int:
    """Measure and print the table; 0 whatever it says: a missed bar is shown."""
    parser = argparse.ArgumentParser(prog="make bench-governor")
    parser.add_argument("--rounds", type=int, default=5, help="of each state")
    parser.add_argument("--size", type=int, default=300, help="of what is copied, in MB")
    parser.add_argument("--seconds", type=float, default=10, help="of reading at random")
    parser.add_argument("--cpus", type=int, default=1, help="of the machine")
    parser.add_argument("--no-rhythm", action="store_true", help="not the five minutes of coming and going")
    told = parser.parse_args(argv)
    hardware = dataclasses.replace(hardware_of(Target.DISK), cpus=told.cpus)
    place: Place = place_of("bench-governor")
    options = Options(guest_ports=(SSH, SMB, NFS))
    with (
        tempfile.TemporaryDirectory(prefix="bench-governor-") as folder,
        Machine("bench-governor", hardware, place, options) as vm,
    ):
        vm.start()
        vm.wait_for_ssh(timeout_s=120)
        vm.wait_until_succeeds("sh", "-c", "sigmavault status | grep -q 'state *ready'", timeout_s=60)
        bench = Bench(vm, Path(folder), told.size, told.seconds)
        bench.prepare()
        rounds = _rounds(bench, told.rounds)
        sys.stdout.write(f"{told.cpus} CPU, {told.rounds} rounds, {vm.verdict.accel}\n\n" + table(rounds))
        if not told.no_rhythm:
            sys.stdout.write(_rhythm(bench))
    return 0


def _rounds(bench: Bench, count: int) -> dict[State, list[Round]]:
    found: dict[State, list[Round]] = {state: [] for state in State}
    for number in range(count):
        for state in State:
            sys.stderr.write(f"round {number + 1}: {state}\n")
            bench.enter(state)
            found[state].append(bench.measure())
    return found


def table(rounds: dict[State, list[Round]]) -> str:
    """Markdown: medians while idle, and what is left of them in both other states."""
    lines = ["| what | idle | without the governor | with it | bar | met |", "|---|---|---|---|---|---|"]
    for what in rounds[State.IDLE][0].rates:
        rates = {state: [each.rates[what] for each in some] for state, some in rounds.items()}
        unit = "reads/s" if "4 KiB" in what else "MB/s"
        left = {state: _median(rates[state]) / _median(rates[State.IDLE]) for state in rates}
        lines.append(
            f"| {what} | {_median(rates[State.IDLE]):.1f} {unit} ({_spread(rates[State.IDLE])}) "
            f"| {left[State.WITHOUT]:.2f} | {left[State.WITH]:.2f} ({_spread(rates[State.WITH])}) | ≥ {BAR} "
            f"| {_verdict(left[State.WITH] >= BAR)} |"
        )
    late = {state: _median([each.p99_ms for each in some]) for state, some in rounds.items()}
    more = {state: late[state] / late[State.IDLE] for state in late}
    lines.append(
        f"| p99 of SMB 4 KiB reads | {late[State.IDLE]:.1f} ms | {more[State.WITHOUT]:.2f} × "
        f"| {more[State.WITH]:.2f} × | ≤ {P99_BAR} | {_verdict(more[State.WITH] <= P99_BAR)} |"
    )
    tokens = {state: _median([each.tokens_per_s for each in some]) for state, some in rounds.items()}
    lines.append(f"| tokens/s meanwhile | – | {tokens[State.WITHOUT]:.1f} | {tokens[State.WITH]:.1f} | | |")
    return "\n".join(lines) + "\n"


def _rhythm(bench: Bench) -> str:
    """Five seconds of reading, five of rest, with the governor."""
    bench.enter(State.WITH)
    time.sleep(40)
    bench.seconds = 5
    began = float(bench.vm.succeed("date", "+%s.%N"))
    end = time.monotonic() + RHYTHM_S
    while time.monotonic() < end:
        bench.random_reads()
        time.sleep(5)
    status = json.loads(bench.vm.succeed("sigmavault", "governor", "status", "--json"))
    changes = sum(each["at"] > began for each in status["history"]["changes"])
    return (
        f"\n{RHYTHM_S:.0f} s of 5 s on, 5 s off: {changes} changes "
        f"(bar {MOST_CHANGES}: {_verdict(changes <= MOST_CHANGES)})\n"
    )


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}"


def _verdict(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


if __name__ == "__main__":
    if "SIGMAVAULT_DISK" not in os.environ:
        raise SystemExit("SIGMAVAULT_DISK names no disk image: `make bench-governor` does")
    raise SystemExit(main(sys.argv[1:]))
