"""All reports that need the root tree: `python3 -m scripts.report --root TREE --vars FILE --into FOLDER`.

Run inside the tools tree, by both builders, when nothing will change the tree any more. Its time is
SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from scripts.errors import BuildError
from scripts.report.beside import image_file
from scripts.report.sbom import Subject, sbom
from scripts.report.sizes import measure
from scripts.report.status import read_status, render_packages
from scripts.report.tree import MODELS, folder_sizes, private_python, sha256
from scripts.spec.load import load_spec
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image

_SOURCE = Path(__file__).resolve().parents[2]


def write_reports(root: Path, image: Image, epoch: int, into: Path) -> None:
    """Write package list, SBOM and sizes of the tree at `root`.

    Raises:
        BuildError: the tree lacks the model, or the SBOM is not valid.
    """
    name = image_file(image)
    into.mkdir(parents=True, exist_ok=True)
    packages = read_status(root)
    _write(into / f"{name}.packages", render_packages(packages.values()))
    named = {key: [*item.packages, *item.own_packages] for key, item in image.features.items()}
    sizes = measure(name, packages, named, folder_sizes(root))
    _write(into / f"{name}.sizes.json", sizes.to_json())
    subject = Subject(product=image.spec.name, version=image.spec.version, image=name, epoch=epoch)
    _write(into / f"{name}.cdx.json", sbom(root, subject, private_python(root), _model(root, image)))


def _model(root: Path, image: Image) -> dict[str, Any] | None:
    """The manifest entry of the model in the tree; none for an image that carries no model."""
    if not any(name.endswith(f"-model-{image.spec.model}") for name in image.own_packages):
        return None
    manifest = yaml.safe_load((_SOURCE / "models-manifest.yaml").read_text(encoding="utf-8"))
    entry: dict[str, Any] = next(item for item in manifest["models"] if item["id"] == image.spec.model)
    path = root / MODELS / str(entry["file"])
    if not path.is_file() or sha256(path) != entry["sha256"]:
        raise BuildError(f"the image has no {path.relative_to(root)}, or not the one in models-manifest.yaml")
    return entry


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the finished root tree")
    parser.add_argument("--vars", type=Path, required=True, help="variables rendered from image.yaml")
    parser.add_argument("--into", type=Path, required=True, help="folder of the reports")
    arguments = parser.parse_args()
    given = json.loads(arguments.vars.read_text(encoding="utf-8"))
    variant, target = Variant(given["sigmavault_variant"]), Target(given["sigmavault_target"])
    try:
        image = Image(spec=load_spec(_SOURCE), variant=variant, target=target)
        write_reports(arguments.root, image, int(os.environ["SOURCE_DATE_EPOCH"]), arguments.into)
    except BuildError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main())
