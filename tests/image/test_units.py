"""Which units start, that systemd understands them, and how well ours are caged."""

from __future__ import annotations

import pytest

from tests.image.tree import Tree, run

ENABLED = {
    "avahi-daemon.service", "getty@.service", "nfs-server.service", "nftables.service",
    "sigmavault-budget.service", "sigmavault-firstboot.service", "sigmavault-governor.service",
    "sigmavault-hostd.service", "sigmavault-keys.service", "sigmavault-setup.service",
    "sigmavault-models.path", "sigmavault-ryzan-relay.socket",
    "sigmavault-ryzan.service", "sigmavault-ryzan.socket", "sigmavault-shares.service",
    "sigmavault-trash.timer",
    "sigmavault-zfs-check.service", "smartmontools.service", "smbd.service", "ssh.service",
    "sshd-keygen.service", "systemd-resolved.service", "systemd-timesyncd.service", "wsdd2.service",
    "zfs-hostid.service", "zfs-import-cache.service", "zfs-import.target",
    "zfs-load-module.service", "zfs-mount.service", "zfs-zed.service", "zfs.target",
}  # fmt: skip
ENABLED_ON = {
    "desktop": {"NetworkManager.service", "udisks2.service"},
    "server": {"systemd-networkd.service"},
}
MASKED = {
    "NetworkManager-wait-online.service", "rpc-statd.service", "rpc-statd-notify.service",
    "rpcbind.service", "rpcbind.socket", "systemd-firstboot.service", "systemd-networkd-wait-online.service",
}  # fmt: skip
OFF = {
    "ModemManager.service", "apt-daily-upgrade.timer", "apt-daily.timer", "cups.service", "nmbd.service",
    "nfs-client.target", "packagekit.service", "rsync.service", "samba-ad-dc.service", "ssh.socket",
    "systemd-homed.service", "winbind.service", "zfs-import-scan.service",
}  # fmt: skip
OFF_ON = {"desktop": {"systemd-networkd.service"}, "server": {"NetworkManager.service"}}

SECURITY = {  # unit → worst exposure, in tenths, as systemd-analyze counts
    "sigmavault-ryzan.service": 25,
    "sigmavault-ryzan-relay.service": 25,
    "sigmavault-models.service": 25,
    "sigmavault-budget.service": 50,
    "sigmavault-firstboot.service": 25,
    "sigmavault-setup.service": 25,
    "sigmavault-governor.service": 25,
    "sigmavault-hostd.service": 50,
    "sigmavault-keys.service": 25,
    "sigmavault-trash.service": 25,
    "sigmavault-shares.service": 50,
    "sigmavault-zfs-check.service": 50,
}
VERIFIED_TOO = (
    "avahi-daemon.service", "getty@tty1.service", "nfs-mountd.service", "nfs-server.service",
    "nftables.service", "smbd.service", "ssh.service", "sshd-keygen.service", "wsdd2.service",
    "zfs-hostid.service",
)  # fmt: skip
"""Other people's units that we change by drop-ins. Not nfs-idmapd and nfsdcld: they need rpc_pipefs.target,
which a generator makes at boot."""


def ours(tree: Tree) -> list[str]:
    return [place.rpartition("/")[2] for place in tree.glob("usr/lib/systemd/system/sigmavault*.*")]


def test_what_starts(tree: Tree) -> None:
    wanted = ENABLED | ENABLED_ON[tree.variant]
    assert {unit for unit in wanted if tree.unit_states.get(unit) not in ("enabled", "alias")} == set()


def test_what_is_masked(tree: Tree) -> None:
    assert {unit for unit in MASKED if tree.unit_states.get(unit, "masked") != "masked"} == set()
    for unit in MASKED:
        assert tree.path("etc/systemd/system").joinpath(unit).is_symlink(), unit


def test_what_does_not_start(tree: Tree) -> None:
    unwanted = OFF | OFF_ON[tree.variant]
    assert {unit for unit in unwanted if tree.unit_states.get(unit, "disabled") == "enabled"} == set()


def test_units_have_the_state_of_the_presets(tree: Tree) -> None:
    """Both builders run preset-all, in one form or another: nothing may depend on which."""
    rows = [row for row in tree.unit_files if len(row) == 3]
    assert [row for row in rows if {row[1], row[2]} == {"enabled", "disabled"}] == []


def test_the_login_screen_is_the_displays_manager(tree: Tree) -> None:
    link = tree.root / "etc/systemd/system/display-manager.service"
    if tree.variant == "desktop":
        assert link.readlink().name in ("gdm.service", "gdm3.service")
    else:
        assert not link.is_symlink()


def test_systemd_has_nothing_to_say_about_our_units(tree: Tree) -> None:
    units = [*ours(tree), *VERIFIED_TOO]
    assert len(units) > 15
    done = run("systemd-analyze", "verify", "--man=no", f"--root={tree.root}", *units)
    assert done.said == ""
    assert done.status == 0


def test_every_service_of_ours_has_a_limit(tree: Tree) -> None:
    assert {unit for unit in ours(tree) if unit.endswith(".service")} == set(SECURITY)


@pytest.mark.parametrize(("unit", "limit"), SECURITY.items())
def test_our_services_are_caged(tree: Tree, unit: str, limit: int) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={tree.root}",
               f"--threshold={limit}", unit)  # fmt: skip
    assert done.status == 0, done.said


@pytest.mark.parametrize("unit", ["smbd", "wsdd2", "avahi-daemon", "nfs-mountd", "nfs-idmapd", "nfsdcld"])
def test_file_serving_is_in_its_slice(tree: Tree, unit: str) -> None:
    text = tree.text(f"usr/lib/systemd/system/{unit}.service.d/sigmavault.conf")
    assert "Slice=sigmavault-files.slice" in text
    assert "OOMScoreAdjust=-" in text


def test_users_and_folders_are_declared_and_made(tree: Tree) -> None:
    accounts = {row[0]: row for row in tree.table("etc/passwd")}
    for name in ("sigmavault-ryzan", "sigmavault-ryzan-relay", "sigmavault-models"):
        assert accounts[name][6] == "/usr/sbin/nologin"
    for place in ("usr/lib/sysusers.d/sigmavault.conf", "usr/lib/tmpfiles.d/sigmavault.conf"):
        assert tree.exists(place)
    assert "ssh.authorized_keys.root" in tree.text("usr/lib/tmpfiles.d/provision.conf")
    assert not tree.glob("etc/tmpfiles.d/provision.conf")
