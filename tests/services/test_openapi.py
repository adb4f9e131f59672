"""The served OpenAPI document: valid, and true of the running service.

schemathesis makes requests out of the document and holds the answers to it. Two runs: requests that the
document allows, with a tiny model and few tokens, many in a short time, and requests that it does not allow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.services import models
from tests.services.daemon import Ryzan

MODEL = f"local/{models.CHAT}"
TOKENS = 275
"""Of its vocabulary."""

ANSWERS = "status_code_conformance,content_type_conformance,response_schema_conformance"
REFUSALS = "negative_data_rejection,unsupported_method,allow_header_conformance"
VALIDATE = "import json,sys; from openapi_spec_validator import validate; validate(json.load(sys.stdin))"
PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps({each.name: [each.type, len(each.samples)] for each in parse(sys.stdin.read())}))
"""


def run(judges: Path, *argv: str | Path, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *argv], input=given, capture_output=True, text=True, check=False, timeout=300,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(judges), "PYTHONDONTWRITEBYTECODE": "1",
             "NO_COLOR": "1", "COLUMNS": "120"},
        cwd=tempfile.gettempdir(),  # schemathesis leaves its notes where it stands
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def ryzan_env(
    ryzan_env: dict[str, str], smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """With a tiny model beside the service's own."""
    folder = tmp_path_factory.mktemp("models")
    (folder / smollm2.name).symlink_to(smollm2)
    models.make(models.CHAT, folder)
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    return {**ryzan_env, "SIGMAVAULT_MODELS": os.fspath(folder)}


@pytest.fixture(scope="module")
def judges(clients: Mapping[str, Path]) -> Path:
    return clients["judges"]


@pytest.fixture(scope="module")
def document(ryzan: Ryzan) -> dict[str, Any]:
    found: dict[str, Any] = ryzan.client().get("/openapi.json").raise_for_status().json()
    return found


def test_document_is_valid(document: dict[str, Any], judges: Path) -> None:
    run(judges, "-c", VALIDATE, given=json.dumps(document))


def schemathesis(ryzan: Ryzan, judges: Path, folder: Path, document: dict[str, Any], *more: str) -> None:
    """Run it; a finding fails with what it found."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    common = ("--url", ryzan.url, "--seed", "7", "--no-shrink", "--request-timeout", "60",
              "--suppress-health-check", "all", "--continue-on-failure", "--max-failures", "5")  # fmt: skip
    config = folder / "schemathesis.toml"
    config.write_text('[generation]\ndatabase = "none"\n')
    run(judges, "-m", "schemathesis.cli", "--config-file", config, "run", file, *common, *more)


def narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The same document for one model and few tokens: what it allows, the whole document allows."""
    text = json.dumps(document).replace(f'"exclusiveMaximum": {2**31}', f'"exclusiveMaximum": {TOKENS}')
    small: dict[str, Any] = json.loads(text)
    schemas = small["components"]["schemas"]
    few = {"type": "integer", "minimum": 1, "maximum": 4}
    for name in ("ChatBody", "CompletionBody", "EmbeddingBody"):
        schemas[name]["properties"]["model"] = {"type": "string", "const": MODEL}
    for name in ("ChatBody", "CompletionBody"):
        schemas[name]["properties"] |= {
            "max_tokens": few,
            "n": {"type": "integer", "minimum": 1, "maximum": 2},
        }
        schemas[name]["required"].append("max_tokens")
        schemas[name]["properties"].pop("grammar")  # root's alone
    schemas["ChatBody"]["properties"].pop("max_completion_tokens")
    schemas["CompletionBody"]["properties"].pop("best_of")  # must equal n, which no schema can say
    return small


def answered(ryzan: Ryzan, route: str) -> float:
    """How many requests of a route were answered so far."""
    wanted = f'sigmavault_ryzan_http_requests_total{{route="{route}",method="POST",status="200"}} '
    lines = ryzan.client().get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def test_requests_that_the_document_allows(
    ryzan: Ryzan, judges: Path, document: dict[str, Any], tmp_path: Path
) -> None:
    schemathesis(
        ryzan, judges, tmp_path, narrowed(document), "--mode", "positive", "--max-time", "15",
        "--phases", "fuzzing", "--checks", f"not_a_server_error,{ANSWERS}",
    )  # fmt: skip
    assert ryzan.client().get("/health").status_code == 200
    assert all(answered(ryzan, f"/v1/{route}completions") > 0 for route in ("", "chat/"))
    assert "Traceback" not in ryzan.log.read_text()


def test_requests_that_the_document_does_not_allow(
    ryzan: Ryzan, judges: Path, document: dict[str, Any], tmp_path: Path
) -> None:
    schemathesis(
        ryzan, judges, tmp_path, document, "--mode", "negative", "--max-time", "20",
        "--phases", "coverage,fuzzing", "--checks", f"not_a_server_error,{ANSWERS},{REFUSALS}",
    )  # fmt: skip
    assert "Traceback" not in ryzan.log.read_text()


def test_figures_are_read_by_prometheus_own_parser(ryzan: Ryzan, judges: Path) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}
    assert ryzan.client().post("/v1/chat/completions", json=body).status_code == 200
    answer = ryzan.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = json.loads(run(judges, "-c", PARSE, given=answer.text))
    prefix = "sigmavault_ryzan_"
    assert found[f"{prefix}http_requests"][0] == "counter"
    assert found[f"{prefix}completion_tokens"] == ["counter", 1]
    assert found[f"{prefix}time_to_first_token_seconds"][0] == "histogram"
    assert found[f"{prefix}model_memory_bytes"][0] == "gauge"
