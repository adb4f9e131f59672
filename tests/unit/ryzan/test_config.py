from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from sigmavault.core.errors import ConfigError
from sigmavault.core.routing import Task
from sigmavault.ryzan.config import Settings, parse_settings, read_settings

SHIPPED = Path(__file__).parents[3] / "services/data/usr/lib/sigmavault/ryzan.toml"
BACKEND = """
[[backend]]
name = "cluster"
url = "https://gpu.example:8443/v1/"
[[backend.model]]
id = "large"
"""


def parse(*texts: str) -> Settings:
    return parse_settings([(f"file{at}", tomllib.loads(text)) for at, text in enumerate(texts)])


def test_nothing_is_a_configuration() -> None:
    assert read_settings([Path("/nonexistent/ryzan.toml")]) == Settings()


def test_the_shipped_file_is_valid_and_routes_code() -> None:
    settings = read_settings([SHIPPED])
    assert [each.models for each in settings.routing.rule if each.task is Task.CODE] == [
        ("purpose:code", "default")
    ]
    assert settings.backend == ()


def test_the_example_in_the_shipped_file_is_valid() -> None:
    text = SHIPPED.read_text()
    example = text[text.index("# [[backend]]") :].replace("# ", "").replace("#\n", "\n")
    (backend,) = parse(example).backend
    assert (backend.model[0].id, backend.model[0].fallback) == ("large", "smollm2-135m-instruct")


def test_the_second_file_goes_before_the_first_key_by_key() -> None:
    settings = parse(
        "[limits]\nsequences = 4\nrequests = 9", "[limits]\nsequences = 6\n[models]\ndefault = 'a'"
    )
    assert (settings.limits.sequences, settings.limits.requests, settings.models.default) == (6, 9, "a")


def test_answers_are_not_guessed_ahead_unless_told_so() -> None:
    assert parse("").speculation.mode == "off"
    drafts = "[speculation.draft]\n'local/large' = 'local/small'"
    told = parse(drafts, "speculation.mode = 'auto'").speculation
    assert (told.mode, told.draft) == ("auto", {"local/large": "local/small"})


def test_lists_are_taken_whole() -> None:
    rule = "[[routing.rule]]\ntask = '{}'\nmodels = ['default']\n"
    settings = parse(rule.format("code") + rule.format("chat"), rule.format("tools"))
    assert [each.task for each in settings.routing.rule] == [Task.TOOLS]


def test_other_servers() -> None:
    (backend,) = parse(BACKEND).backend
    assert backend.url == "https://gpu.example:8443/v1"
    assert backend.model[0].purpose == ("chat",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour = 1", r"file1: unknown key colour; allowed: backend, http, limits"),
        ("[limits]\nbatch = 1", r"file1: unknown key limits\.batch; allowed: batch_tokens, context_tokens"),
        (f"{BACKEND}nam = 'x'", r"unknown key backend\[0\]\.model\[0\]\.nam; allowed: context, fallback, id"),
        ("[limits]\nsequences = '8'", r"file1: limits\.sequences: .*integer"),
        ("[limits]\nsequences = true", r"limits\.sequences: .*integer"),
        ("[limits]\nsequences = 0", r"limits\.sequences: .*greater than or equal to 1"),
        ("[models]\nkeep_alive_s = inf", r"models\.keep_alive_s"),
        ("[models]\nkeep_alive_s = 2026-01-01", r"models\.keep_alive_s: .*number"),
        ("limits = 3", r"file1: limits"),
        ("[speculation]\nmode = 'on'", r"speculation\.mode: .*'off' or 'auto'"),
        ("[speculation]\nmodel = 'x'", r"unknown key speculation\.model; allowed: draft, mode"),
        ("[speculation.draft]\n'no id' = 'x'", r"speculation\.draft"),
        ("[[routing.rule]]\ntask = 'cooking'\nmodels = ['a']", r"routing\.rule\[0\]\.task"),
        ("[http]\napi_keys_file = 'keys'", r"http\.api_keys_file: must be an absolute path"),
        (BACKEND.replace("https:", "ftp:"), r"backend\[0\]\.url: must begin with http"),
        (BACKEND.replace("gpu.", "user:pass@gpu."), r"backend\[0\]\.url: must have neither user"),
        (BACKEND.replace("cluster", "local"), "`local` and `auto` mean something else"),
        (BACKEND.replace('"large"', '"auto"'), "`local` and `auto` mean something else"),
        (BACKEND + BACKEND, "backend: cluster is there twice"),
        (BACKEND + BACKEND.replace("cluster", "other"), "large is there twice"),
        (
            BACKEND.replace("https:", "http:").replace("[[backend.", 'api_key_file = "/k"\n[[backend.'),
            "everybody on the way could read the key",
        ),
    ],
)
def test_wrong_configurations_are_told_with_file_key_and_fault(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse("", text)


def test_files_that_are_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "ryzan.toml"
    for content in (b"[limits", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=r"ryzan\.toml"):
            read_settings([file])
