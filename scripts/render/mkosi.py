"""The mkosi tree of the disk image.

The checkout itself is the tree: `mkosi.conf` at its root is rendered from `image.yaml` and committed,
beside the hand-written `mkosi.repart/` and `mkosi.postinst`. What belongs to one machine or one build
(mirror, base tree, packages, output folder) is given on the command line by `scripts.stages.disk`.
"""

from __future__ import annotations

from scripts.spec.select import Image

_HEADER = """\
# Rendered from image.yaml by `make render`: edit that file. A test fails while this one is stale.
# The disk image of {name}, variant `{variant}`; the same packages, overlay and roles as the ISO.
"""


def render_mkosi(image: Image) -> str:
    """The text of `mkosi.conf` for `image`."""
    spec = image.spec
    packages = sorted({item for feature in image.features.values() for item in feature.packages})
    extra = [f"overlay/{entry}:/{entry}" for entry in image.overlay]
    areas = [area for area in spec.areas if area != "main"]
    sections = {
        "Distribution": [
            ("Distribution", ["debian"]), ("Release", [spec.suite]), ("Architecture", ["x86-64"]),
            ("Repositories", areas),
        ],
        "Output": [
            ("Format", ["disk"]), ("ImageId", [image.name]), ("ImageVersion", [spec.version]),
            ("RepartDirectories", ["mkosi.repart"]), ("SplitArtifacts", ["no"]),
        ],
        "Content": [
            ("Bootable", ["yes"]), ("Bootloader", ["systemd-boot"]),
            ("KernelModulesInitrd", ["no"]),
            ("KernelCommandLine", spec.kernel_command_line.disk),
            ("CleanPackageMetadata", ["no"]),
            ("WithDocs", ["yes"]),
            ("PostInstallationScripts", ["mkosi.postinst"]),
            ("Packages", [*packages, *image.own_packages]),
            ("ExtraTrees", extra),
        ],
    }  # fmt: skip
    blocks = [_section(title, settings) for title, settings in sections.items()]
    return _HEADER.format(name=spec.name, variant=image.variant) + "\n" + "\n".join(blocks)


def _section(title: str, settings: list[tuple[str, list[str]]]) -> str:
    lines = [f"[{title}]"]
    for key, values in settings:
        if len(values) == 1:
            lines.append(f"{key}={values[0]}")
        elif values:
            lines.extend([f"{key}=", *(f"        {value}" for value in values)])
    return "\n".join(lines) + "\n"
