from __future__ import annotations

import dataclasses
import json

import pytest
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.main import main
from sigmavault.cli.paint import Paint
from sigmavault.cli.render import render_status
from sigmavault.cli.status import (
    LoadedModel,
    Model,
    Pool,
    Status,
    Unit,
    model_of,
    parse_pools,
    parse_units,
)
from sigmavault.core.zfs_module import Diagnosis, ZfsState

GOOD = Status(
    version="1.2.3",
    zfs=Diagnosis(state=ZfsState.LOADED),
    secure_boot=False,
    pools=(Pool(name="tank", size_bytes=2**40, allocated_bytes=0, free_bytes=2**39, health="ONLINE"),),
    units=(Unit(name="smbd.service", load="loaded", active="active", sub="running"),),
    model=Model(
        state="ready",
        name="smollm2",
        memory_bytes=2**28,
        tier="small",
        quota_cpus=1.6,
        active_requests=3,
        loaded=(
            LoadedModel(
                id="smollm2",
                backend="local",
                memory_bytes=2**27,
                threads=2,
                threads_reason="quota of 1.6 CPUs",
                tokens_per_second=12.34,
                active_requests=3,
            ),
            LoadedModel(
                id="big\x1b[2J",
                backend="cluster",
                memory_bytes=0,
                threads=0,
                threads_reason="",
                tokens_per_second=0.0,
                active_requests=0,
            ),
        ),
    ),
    budgets={
        "machine": {"cpus": 2, "memory_bytes": 2**32},
        "shares": {},
        "budget": {"cpu_quota_percent": 160, "memory_max_bytes": 2**31, "arc_max_bytes": 2**30},
    },
    unread=(),
)


def with_(**changes: object) -> Status:
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]  # a table's values


def test_a_good_machine_needs_no_attention() -> None:
    assert GOOD.problems() == ()
    assert GOOD.exit_code() is ExitCode.OK


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"zfs": Diagnosis(state=ZfsState.SECURE_BOOT, reason="Kept out.")}, "Kept out."),
        ({"pools": (dataclasses.replace(GOOD.pools[0], health="DEGRADED"),)}, "Pool tank is DEGRADED."),
        ({"units": (dataclasses.replace(GOOD.units[0], active="failed"),)}, "smbd.service failed."),
        ({"model": Model(state="failed", reason="no file")}, "The model service is failed: no file."),
        ({"model": Model(state="unreachable")}, "The model service is unreachable."),
        ({"budgets": {}}, "The budgets of this machine were not computed."),
    ],
)
def test_what_needs_attention(changes: dict[str, object], sentence: str) -> None:
    status = with_(**changes)
    assert status.problems() == (sentence,)
    assert status.exit_code() is ExitCode.ATTENTION
    assert sentence in render_status(status, Paint(is_on=False))


def test_a_stopped_service_or_a_loading_model_is_no_problem() -> None:
    idle = (dataclasses.replace(GOOD.units[0], active="inactive", sub="dead"),)
    assert with_(units=idle, model=Model(state="loading")).problems() == ()


def test_what_could_not_be_read_has_its_own_exit_code() -> None:
    assert with_(unread=("pools: no",)).exit_code() is ExitCode.UNKNOWN


def test_text_for_people() -> None:
    text = render_status(GOOD, Paint(is_on=False))
    assert "tank         ONLINE  512 GiB of 1.00 TiB free" in text
    assert "160 % of one CPU, 2.00 GiB" in text
    assert "loaded       smollm2: 128 MiB, 2 threads (quota of 1.6 CPUs), 12.3 tokens/s" in text
    assert "loaded       big␛[2J: answered for by cluster" in text
    for line in (
        "tier         small",
        "quota        1.6 CPUs",
        "requests     3",
        "memory       256 MiB in all",
    ):
        assert f"  {line}\n" in text
    assert "answers" not in text
    assert "Attention" not in text
    assert "\x1b" not in text
    assert "\x1b[32mONLINE\x1b[0m" in render_status(GOOD, Paint(is_on=True))


def test_kept_answers_or_why_there_are_none() -> None:
    def told(**changes: object) -> str:
        model = dataclasses.replace(GOOD.model, **changes)  # type: ignore[arg-type]  # a table's values
        return render_status(with_(model=model), Paint(is_on=False))

    assert "  answers      7 kept, 1.00 MiB\n" in told(answers_kept=7, answers_bytes=2**20)
    assert "  answers      not kept: the disk is full␛[2J\n" in told(answers_off="the disk is full\x1b[2J")


def test_a_document_for_programs() -> None:
    document = json.loads(json.dumps(with_(budgets={}).to_json()))
    assert document["exit_code"] == 1
    assert document["problems"] == ["The budgets of this machine were not computed."]
    assert document["zfs"]["state"] == "loaded"


def test_units_as_systemctl_prints_them() -> None:
    text = (
        "Id=smbd.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\n"
        "Id=gone.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"
    )
    assert parse_units(text) == (
        Unit(name="smbd.service", load="loaded", active="active", sub="running"),
        Unit(name="gone.service", load="not-found", active="inactive", sub="dead"),
    )
    assert parse_units("") == ()


def test_pools_as_zpool_prints_them() -> None:
    text = "tank\t1099511627776\t1024\t1099511626752\tONLINE\nold pool\t5\t1\t4\tFAULTED\n"
    assert [pool.name for pool in parse_pools(text)] == ["tank", "old pool"]
    assert parse_pools("") == ()
    with pytest.raises(ValueError, match="not enough values"):
        parse_pools("tank\t1\n")


TOLD = {
    "model": "smollm2", "state": "ready", "reason": "", "version": "1", "memory_bytes": 5,
    "tokens_per_second": 1.5, "tier": "small", "threads": 2, "threads_reason": "2 CPUs", "quota_cpus": 0.0,
    "context_tokens": 4096, "active_requests": 0, "answers_kept": 3, "answers_bytes": 4096, "answers_off": "",
}  # fmt: skip


def test_the_model_service_as_it_tells_of_itself() -> None:
    told = {
        "id": "smollm2", "backend": "local", "state": "ready", "reason": "", "memory_bytes": 4,
        "tokens_per_second": 1.5, "threads": 2, "threads_reason": "2 CPUs", "context_tokens": 4096,
        "active_requests": 0,
    }  # fmt: skip
    assert model_of(TOLD, [told, {**told, "id": "other", "state": "unloaded"}]) == Model(
        state="ready", name="smollm2", memory_bytes=5, threads=2, threads_reason="2 CPUs",
        tokens_per_second=1.5, tier="small", answers_kept=3, answers_bytes=4096,
        loaded=(LoadedModel(
            id="smollm2", backend="local", memory_bytes=4, threads=2, threads_reason="2 CPUs",
            tokens_per_second=1.5, active_requests=0,
        ),),
    )  # fmt: skip


def test_an_unloaded_model_is_no_problem() -> None:
    assert with_(model=model_of({**TOLD, "state": "unloaded"}, [])).problems() == ()


@pytest.mark.runs_programs
def test_where_nothing_runs_nothing_is_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    """In the tools tree no systemd runs and no model answers: the command has to say exactly that."""
    code = main(["status", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == document["exit_code"] == 1
    assert document["model"]["state"] == "unreachable"
    assert document["budgets"] == {}
    assert any(line.startswith("model: ") for line in document["unread"])
