"""`make bench-ryzan`, inside the tools tree: the model service beside llama-server, in one run."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp

from scripts.bench.machine import describe
from tests.bench import figures, measures
from tests.bench.bandwidth import read_bandwidth
from tests.bench.figures import Figures, ModelFigures
from tests.bench.processes import Moment, family, memory_bytes
from tests.bench.prompts import story
from tests.bench.servers import Model, ours, peer
from tests.bench.soak import soak
from tests.services.daemon import SOURCE, USER, Ryzan, SystemBus, ensure_user

_CONTEXT = 4096
_AGENTS = 3
_MANIFEST = SOURCE / "models-manifest.yaml"
_PAGE = SOURCE / "docs/performance.md"
_KEPT = SOURCE / "build/bench-ryzan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What every part of the run needs.

    Attributes:
        runtime: `python/` and `ggml/`.
        program: llama-server.
        bus: the private system bus.
        folder: scratch.
    """

    runtime: Path
    program: Path
    bus: SystemBus
    folder: Path

    def fresh(self, name: str) -> Path:
        """A new folder that the service's user may enter."""
        folder = Path(mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o755)
        return folder


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Measure, keep the figures, print the section; after a whole run, write it into the documentation."""
    arguments = _parser().parse_args(argv)
    wanted = json.loads(environ["SIGMAVAULT_BENCH"])
    found = Figures(
        when=time.strftime("%Y-%m-%d"), commit=wanted["commit"], machine=describe(), rounds=arguments.rounds
    )
    with _place(Path(wanted["runtime"]), Path(wanted["program"])) as place:
        for each in wanted["models"]:
            if not arguments.model or arguments.model in each["id"]:
                _measure_model(place, each, found, arguments)
                _keep(found)
        _measure_service(place, _model(wanted["models"][0]), found, arguments.soak)
    found.bandwidth = read_bandwidth(found.threads or 1)
    _keep(found)
    section = figures.render(found)
    sys.stdout.write(section)
    if arguments.write and arguments.soak and not arguments.model:
        _PAGE.write_text(figures.place(_PAGE.read_text(encoding="utf-8"), section), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-ryzan", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of each measure (7)")
    parser.add_argument("--soak", type=float, default=600, metavar="SECONDS", help="0: none (600)")
    parser.add_argument("--model", default="", help="only models with this in their id")
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="leave docs/performance.md alone"
    )
    return parser


@contextmanager
def _place(runtime: Path, program: Path) -> Iterator[Place]:
    ensure_user()
    folder = Path(mkdtemp(prefix="bench-ryzan-"))
    folder.chmod(0o755)
    (folder / "bus").mkdir()
    bus = SystemBus(folder / "bus")
    try:
        yield Place(runtime=runtime, program=program, bus=bus, folder=folder)
    finally:
        bus.stop()
        shutil.rmtree(folder)


def _model(told: Mapping[str, str]) -> Model:
    return Model(id=told["id"], file=Path(told["file"]), sha256=told["sha256"], chat=told["chat"] == "yes")


def _environment(place: Place, model: Model) -> dict[str, str]:
    """A service whose default is this model, with folders of its own."""
    config, state = place.fresh("config"), place.fresh("state")
    if model.id.startswith("local/"):
        (config / "ryzan.toml").write_text(f'[models]\ndefault = "{model.id}"\n', encoding="utf-8")
    shutil.chown(state, USER)
    return {"SIGMAVAULT_CONFIG": os.fspath(config), "STATE_DIRECTORY": os.fspath(state)}


def _measure_model(
    place: Place, told: Mapping[str, str], found: Figures, arguments: argparse.Namespace
) -> None:
    model = _model(told)
    mine = ModelFigures(
        id=model.id, sha256=model.sha256, size=model.file.stat().st_size, kv_bytes=int(told["kv_bytes"])
    )
    found.models.append(mine)
    try:
        _contest(place, model, mine, found, arguments.rounds)
    except Exception as error:  # whatever it is: the other figures stand
        _give_up(mine, measures.MEASURES, error)
    try:
        _say(f"{model.id}: first token after a restart")
        mine.samples["again"] = _again(place, model)
    except Exception as error:
        _give_up(mine, ("again",), error)


def _contest(place: Place, model: Model, mine: ModelFigures, found: Figures, rounds: int) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(
            ours(model, bus=place.bus, folder=place.fresh("ryzan"), runtime=place.runtime,
                 manifest=_MANIFEST, env=_environment(place, model))
        )  # fmt: skip
        server.ask(story(0, "load"), 1)  # loads the model, should it not be loaded yet
        found.threads = server.threads()
        one, eight = (
            stack.enter_context(
                peer(model, place.program, folder=place.fresh("peer"), runtime=place.runtime,
                     threads=found.threads, slots=slots, context=_CONTEXT // slots)
            )
            for slots in (1, measures.AT_ONCE)
        )  # fmt: skip
        loop = stack.enter_context(
            measures.bare(model, place.runtime, found.threads, server.compute_environment())
        )
        contest = measures.Contest(ours=server, one=one, eight=eight, loop=loop)
        contest.warm_up()
        begun = Moment.now()
        for name, measure in measures.MEASURES.items():
            _say(f"{model.id}: {name}")
            try:
                mine.samples[name] = measure(contest, rounds)
            except Exception as error:
                _give_up(mine, (name,), error)
        found.others[model.id] = Moment.now().others_since(begun)


def _again(place: Place, model: Model) -> measures.Samples:
    """Milliseconds to the first token, before and after a restart of the service."""
    environment = _environment(place, model)
    times: list[list[float]] = []
    for question in ("What comes first?", "Who decides what is done?"):
        with ours(model, bus=place.bus, folder=place.fresh("again"), runtime=place.runtime,
                  manifest=_MANIFEST, env=environment) as server:  # fmt: skip
            server.ask(story(0, question), 8)
            answers = measures.first_tokens(server, _AGENTS, question)
            times.append([answer.first_token_s * 1000 for answer in answers])
    return {"cold": times[0], "again": times[1]}


def _measure_service(place: Place, model: Model, found: Figures, soak_s: float) -> None:
    try:
        _say("memory without a model")
        found.memory = _measure_memory(place)
        if soak_s:
            _say(f"{soak_s:.0f} s of clients that hang up")
            found.soak = _measure_soak(place, model, soak_s)
    except Exception as error:  # the figures so far stand
        _say(f"  not measured: {_spell(error)}")


def _measure_memory(place: Place) -> dict[str, int]:
    """Bytes of all processes of the service while no folder has a model for it."""
    folders = {name: place.fresh(name) for name in ("models", "state", "config")}
    shutil.chown(folders["state"], USER)
    env = {"SIGMAVAULT_RUNTIME": place.runtime, "SIGMAVAULT_MODELS": folders["models"],
           "SIGMAVAULT_MANIFEST": _MANIFEST, "SIGMAVAULT_CONFIG": folders["config"],
           "STATE_DIRECTORY": folders["state"]}  # fmt: skip
    told = {name: os.fspath(path) for name, path in env.items()}
    service = Ryzan(bus=place.bus, folder=place.fresh("idle"), env=told)
    try:
        service.wait_ready()
        for path in ("/health", "/v1/models"):
            service.client().get(path)
        time.sleep(3)
        pss, rss = memory_bytes(family(service.process.pid))
    finally:
        service.stop()
    return {"pss": pss, "rss": rss}


def _measure_soak(place: Place, model: Model, seconds: float) -> dict[str, object]:
    with ours(model, bus=place.bus, folder=place.fresh("soak"), runtime=place.runtime, manifest=_MANIFEST,
              env=_environment(place, model)) as server:  # fmt: skip
        result = soak(server, seconds=seconds)
    return {**asdict(result), "drift": result.drift, "sound": result.sound}


def _give_up(mine: ModelFigures, names: Iterable[str], error: Exception) -> None:
    text = _spell(error)
    _say(f"  not measured: {text}")
    for name in names:
        mine.missing.setdefault(name, text)


def _spell(error: Exception) -> str:
    """The last line: where the error is a program's log, that is what it ended with."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()[-200:]


def _keep(found: Figures) -> None:
    """What was measured so far outlives an interruption."""
    _KEPT.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stderr.write(f"{text} …\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
