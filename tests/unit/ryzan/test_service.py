from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import cast

import pytest
import yaml
from sigmavault.contract.ryzan1 import ModelKey, State, StatusKey
from sigmavault.core.chat import Message, Role
from sigmavault.core.errors import ConfigError, InvalidRequestError
from sigmavault.core.manifest import parse_manifest
from sigmavault.core.wish import Wish
from sigmavault.ryzan.bus import values
from sigmavault.ryzan.config import Limits, Settings, read_manifest
from sigmavault.ryzan.local.request import complete
from sigmavault.ryzan.service import ModelStatus, Service, Status
from sigmavault.ryzan.status import with_figures
from sigmavault.ryzan.supervisor import Launch, Supervisor
from sigmavault.ryzan.wire import Loaded, Stats
from sigmavault.system import env

FILE = Path(__file__).parents[3] / "models-manifest.yaml"
MODEL = parse_manifest(yaml.safe_load(FILE.read_text()), FILE.name).embedded()
HELLO = (Message(role=Role.USER, content="x"),)


def test_open_choices_are_the_models() -> None:
    sampling = complete(Wish(prompt=HELLO), MODEL.sampling).sampling
    assert (sampling.temperature, sampling.top_p) == (MODEL.sampling.temperature, MODEL.sampling.top_p)
    assert (sampling.top_k, sampling.min_p) == (0, 0)


def test_zero_is_a_choice() -> None:
    sampling = complete(Wish(prompt=HELLO, temperature=0, top_p=0.0), MODEL.sampling).sampling
    assert (sampling.temperature, sampling.top_p) == (0, 0)


def test_seeds_fit_and_are_never_the_one_that_means_random() -> None:
    asked = (-1, 2**32 - 1, 2**63 - 1)
    seeds = {complete(Wish(prompt=HELLO, seed=seed), MODEL.sampling).sampling.seed for seed in asked}
    assert all(0 <= seed < 2**32 - 1 for seed in seeds)
    drawn = {complete(Wish(prompt=HELLO), MODEL.sampling).sampling.seed for _ in range(5)}
    assert len(drawn) > 1


def test_status_has_the_keys_of_the_contract() -> None:
    names = {field.name for field in fields(Status)}
    assert names >= {key.value for key in StatusKey} == {key.value for key in values.STATUS_TYPES}
    assert {key.value for key in ModelKey} == {key.value for key in values.MODEL_TYPES}
    assert {key.value for key in ModelKey} <= {field.name for field in fields(ModelStatus)}


def test_all_that_a_model_process_tells_is_in_the_status_of_its_model() -> None:
    process = Supervisor(cast("Launch", None), Limits(), lambda: None, lambda: None)
    status = ModelStatus(id="m", backend="local", state=State.READY)
    process.loaded = Loaded(context_tokens=7, threads=2, threads_reason="two", architecture="llama")
    status = with_figures(status, process)
    assert (status.threads, status.threads_reason, status.context_tokens) == (2, "two", 7)
    told = {
        field.name: "three" if field.type == "str" else at for at, field in enumerate(fields(Stats), start=3)
    }
    process.stats = Stats(**told)  # type: ignore[arg-type]  # ints are floats
    status = with_figures(status, process)
    assert {name: getattr(status, name) for name in told} == told
    assert status.architecture == "llama"


def service(folder: Path, **settings: object) -> Service:
    paths = env.Paths(runtime=folder, models=(folder,), manifest=FILE)
    return Service(read_manifest(FILE), Settings.model_validate(settings), paths, lambda: None)


def test_one_that_does_not_end_well_keeps_no_other_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    asked = service(tmp_path, models={"pin_default": False})

    def end(name: str, failure: Exception | None = None) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            await asyncio.sleep(0)
            if failure:
                raise failure
            ended.append(name)

        return close

    monkeypatch.setattr(asked.pool, "close", end("pool", OSError("disk")))
    monkeypatch.setattr(asked.answers, "close", end("answers"))
    monkeypatch.setattr(asked._remotes, "close", end("remotes"))

    async def live() -> None:
        running = asyncio.create_task(asked.run())
        await asyncio.sleep(0.01)
        running.cancel()
        await running

    with pytest.raises(OSError, match="disk"):
        asyncio.run(live())
    assert sorted(ended) == ["answers", "remotes"]


def test_a_default_model_that_is_none_is_told_and_stops_nothing(tmp_path: Path) -> None:
    models = {"pin_default": False, "default": "local/text"}
    status = service(tmp_path, models=models).status()
    assert (status.state, status.reason) == (State.NO_MODEL, "no model is called 'local/text'")
    (tmp_path / "text.gguf").write_text("GGUF, honestly")
    status = service(tmp_path, models=models).status()
    assert status.state is State.FAILED
    assert status.reason.startswith("text.gguf: ")


def test_messages_from_the_bus() -> None:
    said = values.parse_messages([("developer", "a"), ("user", "b")])
    assert [each.role for each in said] == [Role.SYSTEM, Role.USER]
    for wrong in ([], [("king", "x")]):
        with pytest.raises(InvalidRequestError):
            values.parse_messages(wrong)


def test_options_from_the_bus() -> None:
    given = {"temperature": ("d", 0.0), "max_tokens": ("u", 5), "stop": ("as", ["."])}
    wish = values.parse_wish([("user", "x")], given, 1000)
    assert (wish.temperature, wish.max_tokens, wish.stop) == (0.0, 5, (".",))
    assert wish.caller.space == "uid:1000"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", ("s", "red")),
        ("temperature", ("u", 1)),
        ("temperature", ("d", 2.1)),
        ("max_tokens", ("u", 0)),
        ("stop", ("as", [])),
        ("stop", ("as", ["a", ""])),
        ("prompt_cache_key", ("s", "k" * 129)),
    ],
)
def test_wrong_options_are_refused_by_name(key: str, value: tuple[str, object]) -> None:
    with pytest.raises(InvalidRequestError, match=key):
        values.parse_wish([("user", "x")], {key: value}, 0)


def test_manifest_file(tmp_path: Path) -> None:
    assert read_manifest(FILE).embedded() == MODEL
    with pytest.raises(ConfigError, match="No such file"):
        read_manifest(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        read_manifest(tmp_path / "bad.yaml")
