"""A wrong image.yaml is refused whole: file, line, key, what is allowed, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.errors import SpecError
from scripts.spec.load import load_spec
from tests.unit.scripts.conftest import PARTS, ROOT, Checkout, copy_parts

PROGRAMS = ("services", "scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """One whose programs are the repository's own: these tests change files at the top alone."""
    root = tmp_path / "checkout"
    copy_parts(root, [each for each in PARTS if each not in PROGRAMS])
    for name in PROGRAMS:
        (root / name).symlink_to(ROOT / name)
    return Checkout(root)


def refusal(checkout: Checkout) -> SpecError:
    before = _files(checkout.root)
    with pytest.raises(SpecError) as caught:
        checkout.spec()
    assert caught.value.exit_code == 2
    assert _files(checkout.root) == before, "something was written"
    return caught.value


def _files(root: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_mtime_ns) for path in root.rglob("*"))


def test_the_repositorys_own_is_right() -> None:
    spec = load_spec(ROOT)
    assert spec.name == "SigmaVault"


# What is replaced by what, the line below the replaced text's first, the key, and what must be said.
WRONG: dict[str, tuple[str, str, int | None, str, list[str]]] = {
    "unknown key": (
        "hostname: sigmavault\n",
        "hostname: sigmavault\ncolour: blue\n",
        1,
        "colour",
        ["unknown key", "allowed: areas, budgets, features, hostname"],
    ),
    "unknown key below": (
        "  model_cpu_percent: 80",
        "  model_gpu_percent: 80",
        0,
        "budgets.model_gpu_percent",
        [
            "unknown key",
            "allowed: arc_percent, model_cpu_percent, model_cpu_serving_percent, model_memory_percent",
        ],
    ),
    "unknown key of a feature": (
        "  wireguard:\n    packages:",
        "  wireguard:\n    pakages: [a-b]\n    packages:",
        1,
        "features.wireguard.pakages",
        ["unknown key", "allowed: overlay, own_packages, packages, role"],
    ),
    "missing key": ("keyboard: us\n", "", None, "keyboard", ["the key keyboard is missing"]),
    "text for a number": (
        "model_cpu_percent: 80",
        "model_cpu_percent: most",
        0,
        "budgets.model_cpu_percent",
        ["valid integer", "'most'"],
    ),
    "quoted number": (
        "model_cpu_percent: 80",
        'model_cpu_percent: "80"',
        0,
        "budgets.model_cpu_percent",
        ["valid integer"],
    ),
    "yes for a number": (
        "model_cpu_percent: 80",
        "model_cpu_percent: true",
        0,
        "budgets.model_cpu_percent",
        ["valid integer"],
    ),
    "too much": (
        "model_memory_percent: 70",
        "model_memory_percent: 170",
        0,
        "budgets.model_memory_percent",
        ["less than or equal to 100"],
    ),
    "number for a text": ("version: 0.1.0", "version: 0.1", 0, "version", ["valid string"]),
    "list for a text": ("hostname: sigmavault", "hostname: [a, b]", 0, "hostname", ["valid string"]),
    "text for a list": (
        "features: [gnome]",
        "features: gnome",
        0,
        "variants.desktop.features",
        ["valid list"],
    ),
    "bad pattern": (
        "hostname: sigmavault",
        "hostname: Sigma_Vault",
        0,
        "hostname",
        ["does not fit", "pattern"],
    ),
    "unknown variant": (
        "extends: server",
        "extends: laptop",
        0,
        "variants.desktop.extends",
        ["'server' or 'desktop'"],
    ),
    "unknown feature": (
        "features: [gnome]",
        "features: [gnome, kde]",
        0,
        "variants.desktop.features.1",
        ["unknown feature 'kde'", "allowed: base, discovery"],
    ),
    "unknown feature of a target": (
        "features: [live]",
        "features: [live, usb]",
        0,
        "targets.iso.features.1",
        ["unknown feature 'usb'"],
    ),
    "feature twice": (
        "features: [gnome]",
        "features: [gnome, samba]",
        0,
        "variants.desktop.features",
        ["feature listed twice: samba"],
    ),
    "feature twice, by target": (
        "features: [live]",
        "features: [live, samba]",
        0,
        "targets.iso.features",
        ["feature listed twice: samba"],
    ),
    "variants in a circle": (
        "    title: headless\n",
        "    title: headless\n    extends: desktop\n",
        1,
        "variants.server.extends",
        ["extend each other"],
    ),
    "missing role": (
        "role: samba",
        "role: sambo",
        0,
        "features.samba.role",
        ["no role roles/sambo", "allowed: base"],
    ),
    "package twice": (
        "      - wireguard-tools\n",
        "      - wireguard-tools\n      - samba\n",
        1,
        "features.wireguard.packages.1",
        ["package listed twice: samba is in features.samba"],
    ),
    "bad package name": (
        "      - wireguard-tools",
        "      - wireguard tools",
        0,
        "features.wireguard.packages.0",
        ["does not fit"],
    ),
    "option for a package": (
        "      - wireguard-tools",
        "      - --allow-unauthenticated",
        0,
        "features.wireguard.packages.0",
        ["does not fit"],
    ),
    "unknown package of ours": (
        "      - sigmavault-runtime",
        "      - sigmavault-runtim",
        0,
        "features.ryzan.own_packages.2",
        ["not built from services/", "allowed: sigmavault, "],
    ),
    "overlay missing": (
        "      - etc/skel\n",
        "      - etc/skell\n",
        0,
        "features.gnome.overlay.0",
        ["there is no overlay/etc/skell"],
    ),
    "overlay outside": (
        "      - etc/skel\n",
        "      - ../roles\n",
        0,
        "features.gnome.overlay.0",
        ["not a path below overlay/"],
    ),
    "overlay absolute": (
        "      - etc/skel\n",
        "      - /etc/skel\n",
        0,
        "features.gnome.overlay.0",
        ["not a path below overlay/"],
    ),
    "overlay twice": (
        "      - etc/skel\n",
        "      - etc/skel\n      - etc/samba\n",
        1,
        "features.gnome.overlay.1",
        ["etc/samba belongs to features.samba as well"],
    ),
    "overlay of nobody": ("      - etc/skel\n", "", None, "features", ["no feature lists overlay/etc/skel/"]),
    "unknown model": (
        "model: smollm2-135m-instruct",
        "model: gpt-17",
        0,
        "model",
        ["unknown model 'gpt-17'", "allowed: smollm2-135m-instruct"],
    ),
    "unknown time zone": (
        "time_zone: UTC",
        "time_zone: Europe/Atlantis",
        0,
        "time_zone",
        ["unknown time zone"],
    ),
    "unknown area": (
        "areas: [main, contrib,",
        "areas: [main, contribs,",
        0,
        "areas.1",
        ["unknown archive area"],
    ),
    "shell in a kernel argument": (
        "disk: [root=PARTLABEL=sigmavault-root,",
        "disk: ['root=$(reboot)',",
        0,
        "kernel_command_line.disk.0",
        ["does not fit"],
    ),
    "bad feature name": (
        "  wireguard:\n    packages:",
        "  Wire_Guard:\n    packages:",
        0,
        "features.Wire_Guard",
        ["does not fit"],
    ),
    "bad snapshot": ("snapshot: null", "snapshot: yesterday", 0, "snapshot", ["does not fit"]),
    "other suite": ("suite: trixie", "suite: sid", 0, "suite", ["does not fit"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_spec_is_refused_with_its_line(case: str, checkout: Checkout) -> None:
    old, new, below, key, words = WRONG[case]
    line = checkout.change(old, new)
    message = refusal(checkout).message
    first = next((item for item in message.splitlines() if f": {key}: " in item), "")
    assert first, message
    if below is not None:
        assert first.startswith(f"image.yaml:{line + below}: "), first
    for word in words:
        assert word in message


def test_everything_wrong_is_said_at_once(checkout: Checkout) -> None:
    checkout.change("model_cpu_percent: 80", "model_cpu_percent: 0")
    checkout.change("keyboard: us", "keyboard: U5")
    assert len(refusal(checkout).message.splitlines()) == 2


NOT_YAML = {
    "broken": ("name: SigmaVault\n  x: [\n", 2, "mapping values are not allowed"),
    "unclosed": ("name: [a,\n", 2, "expected the node content"),
    "tab": ("name: x\nfeatures:\n\ta: b\n", 3, "cannot start any token"),
    "key twice": ("name: A\nversion: 1.0.0\nname: B\n", 3, "key given twice: name"),
    "key twice below": ("features:\n  base: {}\n  zfs: {}\n  base: {}\n", 4, "key given twice: base"),
    "two documents": ("name: A\n---\nname: B\n", 2, "found another document"),
    "object": ("name: !!python/object/apply:os.getcwd []\n", 1, "could not determine a constructor"),
    "list as key": ("? [a, b]\n: c\n", 1, "unhashable"),
    "alias to nothing": ("name: *x\n", 1, "undefined alias"),
    "empty": ("", 1, "the file is empty"),
    "only a comment": ("# nothing\n", 1, "the file is empty"),
    "a list": ("- a\n- b\n", 1, "file: "),
    "a text": ("hello\n", 1, "file: "),
}


@pytest.mark.parametrize("case", NOT_YAML)
def test_what_is_no_mapping_is_refused_with_its_line(case: str, checkout: Checkout) -> None:
    text, line, words = NOT_YAML[case]
    (checkout.root / "image.yaml").write_text(text)
    message = refusal(checkout).message
    assert message.startswith(f"image.yaml:{line}: "), message
    assert words in message


def test_a_missing_file_is_refused(checkout: Checkout) -> None:
    (checkout.root / "image.yaml").unlink()
    assert "image.yaml cannot be read" in refusal(checkout).message


def test_text_in_another_encoding_is_refused(checkout: Checkout) -> None:
    (checkout.root / "image.yaml").write_bytes("name: Zürich\n".encode("latin-1"))
    assert "image.yaml cannot be read" in refusal(checkout).message


@pytest.mark.parametrize("text", ["", "models: 3", "models: [{}]", "models: [x]", "a: [", "[]"])
def test_an_unusable_manifest_is_said_of_the_model(text: str, checkout: Checkout) -> None:
    (checkout.root / "models-manifest.yaml").write_text(text)
    assert ": model: models-manifest.yaml cannot be used" in refusal(checkout).message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))))
def test_no_text_makes_it_fail_in_another_way(text: str, tmp_path: Path) -> None:
    (tmp_path / "image.yaml").write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(SpecError):
        load_spec(tmp_path)
