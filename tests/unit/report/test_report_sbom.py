from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.report.sbom import Subject, sbom
from scripts.report.tree import Distribution

SUBJECT = Subject(product="SigmaVault", version="0.1.0", image="x.iso", epoch=1_700_000_000)
STATUS = """\
Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.22
Maintainer: Dpkg Developers <debian-dpkg@lists.debian.org>
Description: package manager

Package: sigmavault-runtime
Status: install ok installed
Architecture: amd64
Version: 0.1.0+1
Maintainer: SigmaVault developers <developers@sigmavault.invalid>
Depends: dpkg, pinentry
Description: runtime

Package: pinentry-curses
Status: install ok installed
Architecture: amd64
Version: 1
Provides: pinentry
Maintainer: A <a@b.org>
Description: one

Package: pinentry-gnome3
Status: install ok installed
Architecture: amd64
Version: 1
Provides: pinentry
Maintainer: A <a@b.org>
Description: other

Package: sigmavault-model-tiny
Status: install ok installed
Architecture: all
Version: 0.1.0+1
Source: sigmavault-model
Maintainer: SigmaVault developers <developers@sigmavault.invalid>
Description: model
"""
MODEL = {
    "id": "tiny", "name": "Tiny", "file": "tiny.gguf", "size": 5, "sha256": "ab" * 32,
    "licence": "Apache-2.0", "architecture": "llama", "quantisation": "Q4_1",
    "source": {"kind": "pypi", "package": "llm-tiny", "version": "0.1.2", "wheel": "w.whl",
               "wheel_sha256": "cd" * 32, "member": "m"},
}  # fmt: skip
PYTHON = [Distribution(name="llama_cpp_python", version="0.3.36", licence="MIT", homepage="")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "var/lib/dpkg/arch-native").write_text("amd64\n")
    copyright_file = tmp_path / "usr/share/doc/dpkg/copyright"
    copyright_file.parent.mkdir(parents=True)
    copyright_file.write_text(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: somebody\nLicense: GPL-2+\n\nLicense: GPL-2+\n Text.\n"
    )
    return tmp_path


def components(text: str) -> dict[str, dict[str, Any]]:
    return {item["purl"]: item for item in json.loads(text)["components"]}


def test_debian_packages_with_the_licence_of_their_source(root):
    found = components(sbom(root, SUBJECT, [], None))
    assert "pkg:deb/debian/dpkg@1.22?arch=amd64" in found
    source = found["pkg:deb/debian/dpkg@1.22?arch=source"]
    assert source["licenses"][0]["expression"] == "GPL-2.0-or-later"


def test_our_own_packages_are_not_debians(root):
    names = [purl for purl in components(sbom(root, SUBJECT, [], None)) if "sigmavault" in purl]
    assert names
    assert all(purl.startswith("pkg:deb/sigmavault/") for purl in names)


def test_private_python_lies_inside_the_runtime_package(root):
    text = sbom(root, SUBJECT, PYTHON, None)
    assert components(text)["pkg:pypi/llama-cpp-python@0.3.36"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert "pkg:pypi/llama-cpp-python@0.3.36" in dependencies(text, "sigmavault-runtime", "amd64")


def test_the_model_is_one_with_hash_licence_and_source(root):
    text = sbom(root, SUBJECT, [], MODEL)
    model = components(text)["pkg:pypi/llm-tiny@0.1.2"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert {"name": "sigmavault:source:member", "value": "m"} in model["properties"]
    assert "model:tiny" in dependencies(text, "sigmavault-model-tiny", "all")


def dependencies(text: str, name: str, architecture: str) -> list[str]:
    entries = json.loads(text)["dependencies"]
    found = [item for item in entries if f"/{name}@" in item["ref"] and item["ref"].endswith(architecture)]
    assert len(found) == 1
    refs: list[str] = found[0]["dependsOn"]
    return refs


def test_time_is_the_given_one_and_the_number_follows_the_content(root):
    one, same = sbom(root, SUBJECT, PYTHON, MODEL), sbom(root, SUBJECT, PYTHON, MODEL)
    other = sbom(root, SUBJECT, PYTHON, None)
    assert one == same
    assert json.loads(one)["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert json.loads(one)["serialNumber"] != json.loads(other)["serialNumber"]


_PROGRAM = """\
import sys
from pathlib import Path
from scripts.report.sbom import sbom
from tests.unit.report.test_report_sbom import MODEL, PYTHON, SUBJECT
sys.stdout.write(sbom(Path(sys.argv[1]), SUBJECT, PYTHON, MODEL))
"""


@pytest.mark.runs_programs
def test_another_process_makes_the_same_bytes(root):
    source = Path(__file__).parents[3]
    texts = {
        subprocess.run(
            [sys.executable, "-B", "-c", _PROGRAM, root], cwd=source, check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (0, 1)
    }  # fmt: skip
    assert len(texts) == 1
