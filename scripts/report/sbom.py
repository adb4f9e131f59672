"""The bill of materials of an image, as CycloneDX 1.6: Debian packages, private Python, the model.

debsbom reads the Debian part (packages, their sources, licences, dependencies); what dpkg knows only
as files of a package is added here.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import debsbom.apt.copyright  # type: ignore[import-untyped]
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from debsbom.generate.generate import Debsbom  # type: ignore[import-untyped]
from debsbom.sbom import SBOMType  # type: ignore[import-untyped]
from packageurl import PackageURL

from scripts.errors import BuildError
from scripts.report.tree import Distribution

_NAMESPACE = UUID("b2b7c0de-5a1d-4f0c-8e6b-7369676d6176")
_UNNUMBERED = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the bill is about.

    Attributes:
        product: name of the operating system.
        version: its version.
        image: name of the image file.
        epoch: time of the document, seconds since 1970.
    """

    product: str
    version: str
    image: str
    epoch: int


def sbom(root: Path, subject: Subject, python: Iterable[Distribution], model: dict[str, Any] | None) -> str:
    """The bill of a root tree as JSON.

    Args:
        root: the finished root tree.
        subject: what the bill is about.
        python: Python packages that no Debian package names.
        model: the embedded model's entry of models-manifest.yaml.

    Raises:
        BuildError: the result does not fit CycloneDX's own schema.
    """
    bom = _debian(root, subject)
    product = subject.product.lower()
    bom.components = [_own(item, product) for item in bom.components]
    _add(bom, f"{product}-runtime", [_python(item) for item in python])
    if model is not None:
        _add(bom, f"{product}-model-{model['id']}", [_model(model)])
    text = JsonV1Dot6(bom).output_as_string(indent=1) + "\n"
    # The same content has the same serial number, and other content another one.
    text = text.replace(str(_UNNUMBERED), str(uuid5(_NAMESPACE, text)), 1)
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise BuildError(f"{subject.image}: the SBOM does not fit its schema: {problem}")
    return text


def _debian(root: Path, subject: Subject) -> Bom:
    # debsbom says for each source package that it knows no maintainer, and builds the index of all
    # licences again for each copyright file: three quarters of its time.
    logging.getLogger("debsbom").setLevel(logging.ERROR)
    index = functools.cache(debsbom.apt.copyright.get_spdx_licensing)
    debsbom.apt.copyright.get_spdx_licensing = index
    reader = Debsbom(
        distro_name=subject.product, distro_version=subject.version, distro_summary=subject.image, root=root,
        timestamp=datetime.fromtimestamp(subject.epoch, UTC), cdx_serialnumber=_UNNUMBERED,
        with_licenses=True, recommends_deps=False,
    )  # fmt: skip
    reader.scan()
    # It walks a set: which of two providers satisfies a dependency would be chance.
    for candidates in reader.virtual_packages.values():
        candidates.sort(key=lambda item: item[1].name)
    bom = reader.generate(SBOMType.CycloneDX)
    if not isinstance(bom, Bom):
        raise BuildError(f"debsbom made no CycloneDX document of {subject.image}")
    return bom


def _own(component: Component, product: str) -> Component:
    """Take our own packages out of Debian's name space."""
    if component.name == product or component.name.startswith(f"{product}-"):
        component.group = product
        if component.purl is not None:
            component.purl = PackageURL(**{**component.purl.to_dict(), "namespace": product})
    return component


def _add(bom: Bom, package: str, components: Iterable[Component]) -> None:
    """Add what lies inside a Debian package, and say so."""
    added = list(components)
    holders = [item for item in bom.components if item.name == package and _is_binary(item)]
    for item in added:
        bom.components.add(item)
    for holder in holders:
        bom.register_dependency(holder, added)
    for item in added:
        bom.register_dependency(item)


def _is_binary(component: Component) -> bool:
    return component.purl is not None and component.purl.to_dict()["qualifiers"].get("arch") != "source"


def _python(item: Distribution) -> Component:
    purl = PackageURL("pypi", name=re.sub(r"[-_.]+", "-", item.name).lower(), version=item.version)
    return Component(
        name=purl.name, version=item.version, type=ComponentType.LIBRARY, purl=purl,
        bom_ref=BomRef(purl.to_string()), licenses=list(_licence(item.licence)),
        external_references=[
            ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(item.homepage))
        ] if item.homepage else [],
    )  # fmt: skip


def _model(entry: dict[str, Any]) -> Component:
    source = entry["source"]
    purl = PackageURL("pypi", name=str(source["package"]), version=str(source["version"]))
    known = {
        "file": entry["file"], "size": entry["size"], "architecture": entry["architecture"],
        "quantisation": entry["quantisation"], "source:kind": source["kind"],
        "source:wheel": source["wheel"], "source:wheel_sha256": source["wheel_sha256"],
        "source:member": source["member"],
    }  # fmt: skip
    return Component(
        name=str(entry["id"]), version=str(source["version"]), description=str(entry["name"]),
        type=ComponentType.MACHINE_LEARNING_MODEL, purl=purl, bom_ref=BomRef(f"model:{entry['id']}"),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=str(entry["sha256"]))],
        licenses=list(_licence(str(entry["licence"]))),
        properties=[Property(name=f"sigmavault:{key}", value=str(value)) for key, value in known.items()],
    )  # fmt: skip


def _licence(text: str) -> Iterator[Any]:
    if text:
        yield LicenseFactory().make_from_string(text)
