"""The shape of `image.yaml`.

Every key is listed here and nowhere else; an unknown key is an error. The reference page
`docs/reference/image-yaml.md` is generated from the descriptions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Variant(StrEnum):
    """What kind of machine an image is for."""

    SERVER = "server"
    DESKTOP = "desktop"


class Target(StrEnum):
    """What kind of file an image is."""

    ISO = "iso"
    DISK = "disk"


PackageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.\-]+$")]
FeatureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9\-]*$")]
Percent = Annotated[int, Field(ge=1, le=100, strict=True)]
KernelArgument = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+(=[A-Za-z0-9_.,:/=\-]*)?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class ByVariant(_Strict):
    """A percentage for each variant."""

    desktop: Percent
    server: Percent


class Budgets(_Strict):
    """How the machine is shared between file serving and the model."""

    model_cpu_percent: Percent = Field(description="CPU time of the model, of all cores together")
    model_cpu_serving_percent: Percent = Field(description="the same, while files are served")
    model_memory_percent: Percent = Field(description="memory of the model, of the whole memory")
    arc_percent: ByVariant = Field(description="ZFS cache (ARC), of the whole memory")


class KernelCommandLine(_Strict):
    """Kernel arguments by target."""

    iso: list[KernelArgument]
    disk: list[KernelArgument]


class Feature(_Strict):
    """One thing the image can do."""

    packages: list[PackageName] = Field(default=[], description="Debian packages")
    own_packages: list[PackageName] = Field(
        default=[], description="packages built from services/ and installed from a local archive"
    )
    role: FeatureName | None = Field(default=None, description="Ansible role below roles/")
    overlay: list[str] = Field(
        default=[], description="files or folders below overlay/ that belong to this feature"
    )


class VariantSpec(_Strict):
    """A set of features."""

    title: str = Field(min_length=1, description="what a person calls it")
    extends: Variant | None = Field(default=None, description="variant whose features come first")
    features: list[FeatureName] = Field(min_length=1)


class IsoSpec(_Strict):
    """The live ISO."""

    features: list[FeatureName]
    variant: Variant = Field(description="variant that `make iso` builds")
    compression_level: int = Field(ge=1, le=22, strict=True, description="zstd level of the squashfs")


class DiskSpec(_Strict):
    """The disk image."""

    features: list[FeatureName]
    variant: Variant = Field(description="variant that `make disk` builds")
    root_size_mib: int = Field(
        ge=2048, le=65536, strict=True, description="smallest root file system, in MiB"
    )


class Targets(_Strict):
    """What can be built."""

    iso: IsoSpec
    disk: DiskSpec


class Variants(_Strict):
    """The kinds of machine."""

    server: VariantSpec
    desktop: VariantSpec


class Spec(_Strict):
    """The whole of `image.yaml`."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$", description="product name")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="version of the image and packages")
    suite: str = Field(pattern=r"^trixie$", description="Debian release; its tools tree is Debian 13")
    areas: list[str] = Field(min_length=1, description="archive areas; ZFS needs contrib")
    snapshot: str | None = Field(
        default=None, pattern=r"^\d{8}T\d{6}Z$", description="dated snapshot of the archive, or null"
    )
    locale: str = Field(pattern=r"^[a-z]{2,3}_[A-Z]{2}\.UTF-8$", description="system locale")
    keyboard: str = Field(pattern=r"^[a-z]{2,3}$", description="XKB keyboard layout")
    time_zone: str = Field(pattern=r"^[A-Za-z_+\-/0-9]+$", description="IANA time zone")
    hostname: str = Field(pattern=r"^[a-z][a-z0-9\-]{0,62}$", description="host name")
    model: str = Field(description="embedded language model: an id in models-manifest.yaml")
    budgets: Budgets
    kernel_command_line: KernelCommandLine
    variants: Variants
    targets: Targets
    features: dict[FeatureName, Feature]
