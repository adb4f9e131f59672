"""What one image consists of: the features of its variant and target, in order."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.spec.model import DiskSpec, Feature, IsoSpec, Spec, Target, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A set of Debian packages that is installed and cached as one.

    Attributes:
        name: of the variant or target that adds them.
        packages: sorted Debian package names.
    """

    name: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image to build: a variant on a target."""

    spec: Spec
    variant: Variant
    target: Target

    @property
    def name(self) -> str:
        """Base of all file names, such as `sigmavault-desktop`."""
        return f"{self.spec.name.lower()}-{self.variant}"

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order in which they are applied."""
        return feature_names(self.spec, self.variant, self.target)

    @property
    def features(self) -> dict[str, Feature]:
        """The features by name, in order."""
        return {name: self.spec.features[name] for name in self.feature_names}

    @property
    def own_packages(self) -> list[str]:
        """Packages built from `services/`."""
        return sorted(name for item in self.features.values() for name in item.own_packages)

    @property
    def roles(self) -> list[str]:
        """Ansible roles, in the order of the features."""
        return [item.role for item in self.features.values() if item.role]

    @property
    def overlay(self) -> list[str]:
        """Entries below `overlay/`."""
        return [entry for item in self.features.values() for entry in item.overlay]

    @property
    def layers(self) -> list[Layer]:
        """Package layers from the bottom up: the variants, then the target."""
        chain = variant_chain(self.spec, self.variant)
        layers = [_layer(self.spec, name, getattr(self.spec.variants, name).features) for name in chain]
        return [*layers, _layer(self.spec, self.target, target_spec(self.spec, self.target).features)]


def target_spec(spec: Spec, target: Target) -> IsoSpec | DiskSpec:
    """The part of the spec that describes `target`."""
    return spec.targets.iso if target is Target.ISO else spec.targets.disk


def default_variant(spec: Spec, target: Target) -> Variant:
    """The variant built for `target` when nobody names one."""
    return target_spec(spec, target).variant


def variant_chain(spec: Spec, variant: Variant) -> list[Variant]:
    """The variants whose features `variant` has, its own last."""
    extended = getattr(spec.variants, variant).extends
    return [*([extended] if extended else []), variant]


def feature_names(spec: Spec, variant: Variant, target: Target | None) -> list[str]:
    """Features of a variant, and of a target unless it is None."""
    names = [name for item in variant_chain(spec, variant) for name in getattr(spec.variants, item).features]
    if target is not None:
        names.extend(target_spec(spec, target).features)
    return names


def _layer(spec: Spec, name: str, features: list[str]) -> Layer:
    packages = sorted(package for item in features for package in spec.features[item].packages)
    return Layer(name=name, packages=tuple(packages))
