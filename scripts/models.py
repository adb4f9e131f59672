"""What is generated from the models manifest: its JSON schema, and the reference page.

`PYTHONPATH=services python3 -m scripts.models` in the tools tree writes both; a test fails while a committed
one is stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from sigmavault.core.manifest import Manifest, Model, Tier, json_schema, parse_manifest
from sigmavault.core.tiers import memory_needed
from sigmavault.core.values import format_bytes

_SOURCE = Path(__file__).resolve().parents[1]
MANIFEST = _SOURCE / "models-manifest.yaml"
SCHEMA = _SOURCE / "services/data/usr/share/sigmavault/models-manifest.schema.json"
PAGE = _SOURCE / "docs/reference/models.md"

_INTRO = """\
# Models and tiers

What `models-manifest.yaml` knows; `sigmavault hardware` says which tier a machine is, and why. Made by
`PYTHONPATH=services python3 -m scripts.models`.

Memory is an estimate: the file, its key-value cache (f16) for 4,096 tokens, and 0.3 GiB. Only models whose
size and sha256 are known are offered; tiers propose only those under Apache-2.0 or MIT.
"""
_TIERS = """
## Tiers

| tier | for | memory (MiB) | cores | instruction sets | GB/s | proposes |
|---|---|---|---|---|---|---|
"""
_MODELS = """
## Models

| id | purpose | tier | architecture | weights | file | memory | licence | offered |
|---|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """`docs/reference/models.md`."""
    manifest = parse_manifest(yaml.safe_load(MANIFEST.read_text(encoding="utf-8")), MANIFEST.name)
    return "".join(_lines(manifest))


def _lines(manifest: Manifest) -> Iterator[str]:
    yield _INTRO + _TIERS
    yield from map(_tier, manifest.tiers)
    yield _MODELS
    yield from map(_model, manifest.models)


def _tier(tier: Tier) -> str:
    proposed = dict.fromkeys(model_id for _, model_id in tier.models.by_purpose())
    cells = (
        f"`{tier.name}`", tier.summary, f"≥ {tier.memory_mib}", f"≥ {tier.cores}",
        ", ".join(tier.instructions), f"≥ {tier.bandwidth_gb_s:g}" if tier.bandwidth_gb_s else "",
        ", ".join(f"`{each}`" for each in proposed),
    )  # fmt: skip
    return _row(cells)


def _model(model: Model) -> str:
    memory = memory_needed(model)
    unpinned = "" if model.source.is_pinned else ", not pinned by commit"
    cells = (
        f"`{model.id}`", ", ".join(model.purpose), model.tier, model.architecture, model.quantisation,
        format_bytes(model.size) if model.size else "?", format_bytes(memory) if memory else "?",
        model.licence, f"yes{unpinned}" if model.is_offered else f"no: {model.why_not_offered}",
    )  # fmt: skip
    return _row(cells)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"


def write() -> None:
    """Write both files."""
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(json_schema(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
