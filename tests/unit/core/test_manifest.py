from __future__ import annotations

import copy
import datetime
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError
from sigmavault.core.errors import ConfigError, UnknownModelError
from sigmavault.core.manifest import (
    PERMISSIVE,
    HttpsSource,
    Manifest,
    Model,
    Purpose,
    json_schema,
    parse_manifest,
)

ROOT = Path(__file__).parents[3]
FILE = ROOT / "models-manifest.yaml"
SCHEMA = ROOT / "services/data/usr/share/sigmavault/models-manifest.schema.json"
SHIPPED: dict[str, Any] = yaml.safe_load(FILE.read_text())
MANIFEST = parse_manifest(SHIPPED, FILE.name)
MODELS = MANIFEST.models


def at(model_id: str) -> int:
    return [model.id for model in MODELS].index(model_id)


def test_the_embedded_model_is_the_first_and_is_found() -> None:
    model = MANIFEST.embedded()
    assert model is MODELS[0]
    assert model.id == "smollm2-135m-instruct"
    assert model.chat_template
    assert MANIFEST.find(model.id) is model
    with pytest.raises(UnknownModelError, match="gpt-4"):
        MANIFEST.find("gpt-4")


def test_the_families_that_were_promised_are_offered() -> None:
    def count(*architectures: str) -> int:
        return sum(model.is_offered and model.architecture in architectures for model in MODELS)

    def offered(purpose: Purpose) -> int:
        return sum(model.is_offered and purpose in model.purpose for model in MODELS)

    assert offered(Purpose.DRAFT) >= 2
    assert offered(Purpose.EMBEDDING) >= 2
    assert offered(Purpose.CODE) >= 1
    assert count("granitehybrid", "falcon-h1", "mamba") >= 2
    assert count("rwkv7") >= 1
    assert sum(model.is_offered and model.quantisation in ("Q1_0", "TQ2_0") for model in MODELS) >= 2
    dense = [m for m in MODELS if m.is_offered and m.architecture in ("llama", "qwen2", "qwen3")]
    for tier, least in (("small", 2), ("medium", 1), ("large", 1)):
        assert sum(model.tier == tier for model in dense) >= least


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_offered_model_can_be_fetched_and_verified(model: Model) -> None:
    if not model.is_offered:
        assert model.why_not_offered
        return
    assert model.size
    assert re.fullmatch("[0-9a-f]{64}", model.sha256 or "")
    assert model.source.is_pinned
    if isinstance(model.source, HttpsSource):
        assert (model.source.url or "").startswith("https://huggingface.co/")


def test_what_is_missing_is_named_and_not_offered() -> None:
    model = MANIFEST.find("bitcpm-cann-8b")
    assert (model.missing, model.is_offered) == (("size", "sha256"), False)
    assert model.why_not_offered == "not known: size, sha256"
    assert MANIFEST.find("mamba-2.8b").missing == ("size", "sha256", "source.url")


def test_what_llama_cpp_refuses_is_known_with_the_reason() -> None:
    model = MANIFEST.find("bitnet-b1.58-2b-4t")
    assert (model.missing, model.is_offered) == ((), False)
    assert "fork" in model.why_not_offered


def test_a_branch_in_the_address_is_no_pin() -> None:
    source = MANIFEST.find("bitcpm-cann-1b").source
    assert isinstance(source, HttpsSource)
    assert (source.revision, source.is_pinned) == ("main", False)
    pinned = MANIFEST.find("qwen3-8b").source
    assert isinstance(pinned, HttpsSource)
    assert pinned.revision == "7c41481f57cb95916b40956ab2f0b139b296d974"


def test_drafts_share_the_vocabulary_of_their_family() -> None:
    for model in MODELS:
        for other in model.draft_for:
            assert model.id.split("-")[0] == other.split("-")[0]


def test_what_a_tier_proposes_is_under_a_permissive_licence() -> None:
    for tier in MANIFEST.tiers:
        for _, model_id in tier.models.by_purpose():
            assert MANIFEST.find(model_id).licence in PERMISSIVE


def test_values_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MODELS[0].size = 1


QWEN = at("qwen3-8b")
CODER = at("qwen2.5-coder-7b-instruct")
MINILM = at("all-minilm-l6-v2")
URL = "models", QWEN, "source", "url"

WRONG: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "no mapping": ((), [], "^m: must be a mapping"),
    "other schema": (("schema",), 2, r"^m\.schema: is 2, this program reads 1$"),
    "a date": (("models", 0, "name"), datetime.date(2026, 1, 1), "^m: holds something that is no text"),
    "unknown key": (("models", 0, "colour"), "red", r"^m\.models\[0\]\.colour: is not a known key$"),
    "unknown key in a source": (
        ("models", 0, "source", "md5"), "0", r"^m\.models\[0\]\.source\.md5: is not a known key$",
    ),
    "missing key": (("models", 0, "licence"), ..., r"^m\.models\[0\]\.licence: is missing$"),
    "text as a size": (("models", 0, "size"), "98 MB", r"size: must be a whole number$"),
    "true as a number": (("models", 0, "size"), True, "size: must be a whole number"),
    "no size": (("models", 0, "size"), 0, "size: must be more than 0"),
    "text as a flag": (("models", 0, "embedded"), "yes", "embedded: must be true or false"),
    "number as text": (("models", 0, "name"), 7, "name: must be text"),
    "text as a list": (("models", 0, "draft_for"), "qwen3-8b", "draft_for: must be a list"),
    "text as a mapping": (("models", 0, "sampling"), "hot", "sampling: must be a mapping"),
    "short hash": (("models", 0, "sha256"), "abc", "sha256: must be 64"),
    "path as a file": (("models", 0, "file"), "../x.gguf", "file: must be a plain file name"),
    "hot": (("models", 0, "sampling", "temperature"), 3, r"sampling\.temperature: must be at most 2"),
    "not a number": (("models", 0, "sampling", "temperature"), float("nan"), "temperature: "),
    "other source": (("models", 0, "source", "kind"), "ftp", r"source: kind must be 'pypi', 'https'$"),
    "no source kind": (("models", 0, "source", "kind"), ..., "source: kind is missing"),
    "other purpose": (("models", 0, "purpose"), ["fun"], r"purpose\[0\]: must be 'chat', 'code', 'draft' or"),
    "no purpose": (("models", 0, "purpose"), [], "purpose: must have at least 1"),
    "no licence": (("models", 0, "licence"), "free for you", "licence: must be an SPDX identifier"),
    "plain http": (URL, "http://huggingface.co/a/b/resolve/main/x.gguf", "url: must be an https address"),
    "a user in the address": (URL, "https://me:pw@hub.example/x.gguf", "url: must be an https address"),
    "a way up in the address": (URL, "https://hub.example/a/../x.gguf", "url: must be an https address"),
    "a query in the address": (URL, "https://hub.example/x?y=.gguf", "url: must be an https address"),
    "unknown instruction set": (
        ("tiers", 3, "instructions"), ["mmx"], r"^m\.tiers\[3\]\.instructions\[0\]: must be 'sse4_2'",
    ),
    "nothing embedded": (("models", 0, "embedded"), False, "exactly one model must be embedded"),
    "embedded and not complete": (("models", 0, "sha256"), ..., "must be complete: not known: sha256"),
    "embedding without its facts": (("models", MINILM, "embedding"), ..., "is there if, and only if"),
    "draft without its purpose": (("models", QWEN, "draft_for"), ["qwen3-1.7b"], "draft_for is only for"),
    "draft for nothing": (("models", 0, "draft_for"), ["gpt-4"], "draft for gpt-4, which is not known"),
    "same file twice": (("models", 1, "file"), SHIPPED["models"][0]["file"], r"Q4_1.gguf is there twice"),
    "unknown tier": (("models", QWEN, "tier"), "huge", "tier huge, which is none of tiny, draft, small"),
    "first tier asks": (("tiers", 0, "cores"), 2, "tiny is the first and must ask for nothing"),
    "tiers out of order": (("tiers", 4, "memory_mib"), 9000, "memory_mib must grow"),
    "unknown default": (("tiers", 0, "models", "chat"), ["gpt-4"], "tiny proposes gpt-4, which is not known"),
    "default for another purpose": (
        ("tiers", 4, "models", "draft"), ["qwen3-8b"], "large proposes qwen3-8b, which is not for draft",
    ),
    "default that is not offered": (
        ("tiers", 3, "models", "chat"), ["bitcpm-cann-8b"], "which is not offered .not known: size, sha256",
    ),
    "default of a larger tier": (("tiers", 0, "models", "chat"), ["qwen3-8b"], "which is for tier large"),
    "default under another licence": (
        ("tiers", 1, "models", "chat"), ["falcon-h1-0.5b-instruct"], "whose licence is LicenseRef-Falcon-LLM",
    ),
    "default that needs more": (("tiers", 2, "models", "chat"), ["bonsai-1.7b"], "which needs avx2"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_place(name: str) -> None:
    path, value, message = WRONG[name]
    with pytest.raises(ConfigError, match=message):
        parse_manifest(changed(path, value), "m")


def changed(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    data: Any = copy.deepcopy(SHIPPED)
    *steps, last = path
    table = data
    for step in steps:
        table = table[step]
    if value is ...:
        del table[last]
    else:
        table[last] = value
    return data


def test_the_first_of_several_mistakes_is_named_and_the_rest_are_counted() -> None:
    data = changed(("models", 0, "size"), 0)
    data["models"][0]["context"] = 0
    with pytest.raises(ConfigError, match=r"size: must be more than 0 \(and 1 more\)$"):
        parse_manifest(data, "m")


def test_a_file_that_holds_itself_is_refused() -> None:
    data = copy.deepcopy(SHIPPED)
    data["models"].append(data["models"])
    with pytest.raises(ConfigError, match="holds something"):
        parse_manifest(data, "m")


def test_the_committed_schema_is_the_one_of_the_classes() -> None:
    assert SCHEMA.read_text("utf-8") == json_schema(), "PYTHONPATH=services python3 -m scripts.models"


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_takes_the_shipped_manifest() -> None:
    assert list(validator().iter_errors(SHIPPED)) == []


BY_CLASSES_ONLY = {
    "a date", "not a number", "nothing embedded", "embedded and not complete", "embedding without its facts",
    "draft without its purpose", "draft for nothing", "same file twice", "unknown tier", "first tier asks",
    "tiers out of order", "unknown default", "default for another purpose", "default that is not offered",
    "default of a larger tier", "default under another licence", "default that needs more",
}  # fmt: skip
"""What relates two places, or is no JSON: beyond a schema."""


@pytest.mark.parametrize("name", sorted(set(WRONG) - BY_CLASSES_ONLY))
def test_the_schema_refuses_what_the_classes_refuse(name: str) -> None:
    path, value, _ = WRONG[name]
    assert list(validator().iter_errors(changed(path, value)))


def test_a_manifest_is_made_by_parsing_only() -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate(SHIPPED)  # lists are no tuples: files come in through parse_manifest
