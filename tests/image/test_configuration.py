"""The programs' own opinion of the configuration in the tree."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from scripts.spec.select import Image
from tests.image.tree import Tree

ROOT = Path(__file__).parents[2]


def test_samba_has_no_warning(tree: Tree) -> None:
    done = tree.run("testparm", "--suppress-prompt")
    assert done.status == 0
    for word in ("WARNING", "Unknown", "Ignoring", "ERROR"):
        assert word not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("server min protocol", "SMB3_00"),
        ("server signing", "required"),
        ("restrict anonymous", "2"),
        ("map to guest", "Never"),
        ("disable netbios", "Yes"),
        ("smb ports", "445"),
        ("ntlm auth", "ntlmv2-only"),
        ("usershare max shares", "0"),
    ],
)
def test_samba_lets_nobody_in_by_old_ways(tree: Tree, parameter: str, value: str) -> None:
    done = tree.run("testparm", "--suppress-prompt", f"--parameter-name={parameter}")
    assert done.stdout.strip() == value


def test_samba_shares_nothing_yet(tree: Tree) -> None:
    done = tree.run("testparm", "--suppress-prompt")
    assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[global]"]


def test_nfs_is_version_4_alone(tree: Tree) -> None:
    assert tree.run("nfsconf", "--get", "nfsd", "vers3").stdout.strip() == "n"
    exports = [line for line in tree.text("etc/exports").splitlines() if line and not line.startswith("#")]
    assert not exports


def test_the_firewall_is_accepted(tree: Tree) -> None:
    done = tree.run("nft", "--check", "--file", "/etc/nftables.conf")
    assert (done.status, done.said) == (0, "")


def test_the_firewall_opens_nothing_that_is_not_shared(tree: Tree) -> None:
    """Loaded for real, in a network namespace of its own."""
    script = "nft --file /etc/nftables.conf && nft list ruleset"
    done = tree.run("sh", "-c", script)
    assert done.status == 0, done.said
    rules = [line.strip() for line in done.stdout.splitlines()]
    assert "type filter hook input priority filter; policy drop;" in rules
    assert not [line for line in rules if line.startswith("elements")], "a set of shared ports is not empty"
    opened = [line for line in rules if "dport" in line and "@" not in line]
    assert [line.split(" accept")[0] for line in opened] == [
        "udp sport 67 udp dport 68",
        "ip6 saddr fe80::/10 udp dport 546",
        "tcp dport 22",
        "udp dport 5353",
    ]


def test_the_firewall_keeps_the_tables_of_others(tree: Tree) -> None:
    """Loading it twice gives the same, and a container's own table survives."""
    script = (
        "nft add table ip docker && nft --file /etc/nftables.conf && nft list ruleset > /tmp/one"
        " && nft --file /etc/nftables.conf && nft list ruleset | cmp - /tmp/one && grep -q docker /tmp/one"
    )
    assert tree.run("sh", "-c", script).status == 0


# No systemd runs in a tree that is not booted: its answer is given, everything else is real.
_OPEN_SHARED = r"""
set -eu
mkdir -p /run/bin
printf '#!/bin/sh\ncase "$1" in show) echo %s ;; is-enabled) exit 0 ;; esac\n' "$STATE" > /run/bin/systemctl
chmod +x /run/bin/systemctl
printf '%b' "$SHARES" > /run/shares
mount --bind /run/shares /etc/samba/sigmavault-shares.conf
nft --file /etc/nftables.conf
PATH=/run/bin:$PATH /usr/libexec/sigmavault-firewall/open-shared
nft --json list sets
"""
SHARE = r"[data]\npath = /srv\n"


@pytest.mark.parametrize(
    ("state", "shares", "opened"),
    [
        ("active", SHARE, {"shared_tcp": [445, 5357], "shared_udp": [3702]}),
        ("activating", SHARE, {"shared_tcp": [445, 5357], "shared_udp": [3702]}),
        ("deactivating", SHARE, {"shared_tcp": [], "shared_udp": []}),
        ("inactive", SHARE, {"shared_tcp": [], "shared_udp": []}),
        ("active", "", {"shared_tcp": [], "shared_udp": []}),
        ("active", r"[homes]\nread only = yes\n", {"shared_tcp": [], "shared_udp": []}),
    ],
)
def test_ports_open_while_something_is_shared(
    tree: Tree, state: str, shares: str, opened: dict[str, list[int]]
) -> None:
    done = tree.run("env", f"STATE={state}", f"SHARES={shares}", "sh", "-c", _OPEN_SHARED)
    assert done.status == 0, done.said
    sets = [item["set"] for item in json.loads(done.stdout)["nftables"] if "set" in item]
    assert {item["name"]: sorted(item.get("elem", [])) for item in sets} == opened


SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "without-password",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
}


def test_ssh_takes_keys_alone(tree: Tree) -> None:
    script = "mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f /run/key && sshd -T -h /run/key"
    done = tree.run("sh", "-c", script)
    assert done.status == 0, done.said
    found = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert {key: value for key, value in found if key in SSHD} == SSHD
    host_keys = {value for key, value in found if key == "hostkey" and value != "/run/key"}
    assert host_keys == {"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ecdsa_key"}


def test_host_keys_are_made_at_boot(tree: Tree) -> None:
    """The very commands of the unit, in /run instead of /etc/ssh, twice."""
    text = tree.text("usr/lib/systemd/system/sshd-keygen.service.d/sigmavault.conf")
    commands = [line.split("=", 1)[1] for line in text.splitlines() if line.startswith("ExecStart=/")]
    assert len(commands) == 2
    for command in commands * 2:
        done = tree.run("sh", "-c", command.replace("/etc/ssh/", "/run/") + " && ls /run/*key")
        assert done.status == 0, done.said


def test_sudo_is_sound(tree: Tree) -> None:
    done = tree.run("visudo", "--check", "--quiet")
    assert done.status == 0, done.said
    assert tree.exists("etc/sudoers.d/sigmavault-live") == (tree.target == "iso")


def test_only_the_live_session_logs_in_by_itself(tree: Tree) -> None:
    is_live = tree.target == "iso"
    places = ("usr/lib/systemd/system/getty@tty1.service.d", "etc/systemd/system")
    console = "".join(
        path.read_text() for place in places for path in tree.path(place).rglob("*.conf") if path.is_file()
    )
    assert ("--autologin sigmavault" in console) == is_live
    assert tree.exists("usr/share/polkit-1/rules.d/40-sigmavault-live.rules") == is_live
    if tree.variant == "desktop":
        greeter = tree.text("etc/gdm3/daemon.conf").splitlines()
        assert ("AutomaticLoginEnable=true" in greeter) == is_live
        assert "InitialSetupEnable=false" in greeter


def test_settings_of_the_desktop(tree: Tree) -> None:
    if tree.variant != "desktop":
        pytest.skip("no GNOME")
    done = tree.run("glib-compile-schemas", "--strict", "--dry-run", "/usr/share/glib-2.0/schemas")
    assert done.status == 0, done.said
    gsettings = ("env", "HOME=/tmp", "GSETTINGS_BACKEND=memory", "gsettings", "get")
    done = tree.run(*gsettings, "org.gnome.desktop.background", "picture-uri")
    place = done.stdout.strip().strip("'").removeprefix("file://")
    assert tree.exists(place.lstrip("/")), done.said
    done = tree.run(*gsettings, "org.gnome.shell", "favorite-apps")
    for name in done.stdout.strip("[]\n").replace("'", "").split(", "):
        assert tree.exists(f"usr/share/applications/{name}"), name


def test_the_system_bears_our_name(tree: Tree, image: Image) -> None:
    assert tree.release["NAME"] == image.spec.name
    assert tree.release["VERSION"] == image.spec.version
    assert tree.release["ID_LIKE"] == "debian"
    assert (tree.root / "etc/os-release").readlink() == Path("../usr/lib/os-release")
    assert tree.text("etc/hostname").strip() == image.spec.hostname
    assert f"LANG={image.spec.locale}" in tree.text("etc/locale.conf")
    locales = tree.run("localedef", "--list-archive").stdout.split()
    assert locales == [image.spec.locale.replace("UTF-8", "utf8")]
    assert str((tree.root / "etc/localtime").readlink()).endswith(f"zoneinfo/{image.spec.time_zone}")
    assert f'XKBLAYOUT="{image.spec.keyboard}"' in tree.text("etc/default/keyboard")


def test_budgets_are_those_of_the_spec(tree: Tree, image: Image) -> None:
    written = tomllib.loads(tree.text("etc/sigmavault/budget.toml"))
    assert written == {
        "model": {
            "cpu_percent_of_machine": image.spec.budgets.model_cpu_percent,
            "cpu_percent_while_serving": image.spec.budgets.model_cpu_serving_percent,
            "memory_percent": image.spec.budgets.model_memory_percent,
        },
        "arc": {"percent": getattr(image.spec.budgets.arc_percent, image.variant)},
    }


def test_the_command_runs_in_the_image(tree: Tree, image: Image) -> None:
    done = tree.run("sigmavault", "version")
    assert (done.status, done.stdout.strip()) == (0, image.spec.version), done.said
    done = tree.run("sigmavault", "status")
    assert done.status == 1
    assert "The budgets of this machine were not computed." in done.stdout


def test_the_overlay_is_in_the_image_as_it_is(tree: Tree, image: Image) -> None:
    base = ROOT / "overlay"
    for entry in image.overlay:
        place = base / entry
        for path in [place] if place.is_file() else (item for item in place.rglob("*") if item.is_file()):
            assert tree.path(str(path.relative_to(base))).read_bytes() == path.read_bytes(), path
