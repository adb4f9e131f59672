"""`sigmavault hardware`: what this machine is, which tier that makes it, and why."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.hardware_report import Report, render
from sigmavault.cli.paint import Paint
from sigmavault.core.errors import ConfigError
from sigmavault.core.hardware import Bandwidth, Hardware
from sigmavault.core.manifest import Manifest, parse_manifest
from sigmavault.core.threads import plan_threads
from sigmavault.core.tiers import choose_tier
from sigmavault.system import bandwidth, env
from sigmavault.system.hardware import read_hardware
from sigmavault.system.yaml_file import read_yaml

HELP = "memory, cores, instruction sets, limits, memory bandwidth, and the tier and models they make"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")
    command.add_argument(
        "--no-measure", action="store_true", help="do not measure memory bandwidth, which takes half a second"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show what this machine is."""
    report = look(with_bandwidth=not arguments.no_measure)
    if arguments.json:
        sys.stdout.write(json.dumps(report.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(render(report, Paint(is_on=sys.stdout.isatty())))
    return ExitCode.UNKNOWN if report.unread else ExitCode.OK


def look(*, with_bandwidth: bool) -> Report:
    """Read and measure this machine, and choose its tier."""
    hardware = read_hardware()
    threads = plan_threads(hardware.cpus)
    if with_bandwidth:
        hardware = replace(hardware, bandwidth=_measure(hardware, threads.threads))
    unread = [f"{what} could not be read" for what in _unread(hardware)]
    if with_bandwidth and hardware.bandwidth is None:
        unread.append("memory bandwidth could not be measured: there is too little free memory")
    manifest: Manifest | None = None
    try:
        file = env.paths().manifest
        manifest = parse_manifest(read_yaml(file), file.name)
    except ConfigError as error:
        unread.append(f"models: {error.message}")
    choice = choose_tier(hardware, manifest) if manifest else None
    return Report(hardware=hardware, threads=threads, choice=choice, unread=tuple(unread))


def _measure(hardware: Hardware, threads: int) -> Bandwidth | None:
    available = min(hardware.available_bytes, hardware.usable_memory_bytes)
    return bandwidth.measure(threads=threads, cache_bytes=hardware.cache_bytes, available_bytes=available)


def _unread(hardware: Hardware) -> list[str]:
    known = {
        "memory": hardware.memory_bytes,
        "processor": hardware.processor.name,
        "instruction sets": hardware.processor.instructions,
    }
    return [what for what, value in known.items() if not value]
