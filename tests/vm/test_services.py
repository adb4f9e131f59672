"""Every service of ours runs, as who it should, where it should, as locked in as it says."""

import pytest

pytestmark = pytest.mark.vm

# Unit → user, slice, the highest exposure that `systemd-analyze security` may give (10 = open).
SERVICES = {
    "sigmavault-budget.service": ("root", "system.slice", 2.5),
    "sigmavault-firstboot.service": ("root", "system.slice", 2.5),
    "sigmavault-governor.service": ("root", "sigmavault-core.slice", 2.5),
    "sigmavault-hostd.service": ("root", "sigmavault-core.slice", 5.0),
    "sigmavault-ryzan.service": ("sigmavault-ryzan", "sigmavault_ai.slice", 2.5),
    "sigmavault-shares.service": ("root", "system.slice", 2.5),
    "sigmavault-zfs-check.service": ("root", "system.slice", 2.5),
}
ON_DEMAND = dict.fromkeys(
    (
        "sigmavault-keys.service", "sigmavault-models.service", "sigmavault-ryzan-relay.service",
        "sigmavault-setup.service", "sigmavault-trash.service",
    ),
    2.5,
)  # fmt: skip
"""Started when somebody asks, or when there is something to do: the highest exposure."""
FOREIGN = {
    "ssh.service": "system.slice",
    "nftables.service": "system.slice",
    "smbd.service": "sigmavault-files.slice",
    "nfs-mountd.service": "sigmavault-files.slice",
    "avahi-daemon.service": "sigmavault-files.slice",
    "wsdd2.service": "sigmavault-files.slice",
    "zfs-zed.service": "system.slice",
}


def test_the_table_above_knows_every_service_of_ours(vm):
    listed = vm.succeed(
        "systemctl", "list-unit-files", "--plain", "--no-legend", "--type=service", "sigmavault*"
    )
    assert {line.split()[0] for line in listed.splitlines()} == {*SERVICES, *ON_DEMAND}


@pytest.mark.parametrize("unit", [*SERVICES, *FOREIGN])
def test_is_active(vm, unit):
    vm.wait_for_unit(unit)


@pytest.mark.parametrize("unit", FOREIGN)
def test_is_in_its_slice(vm, unit):
    assert vm.show(unit, "Slice") == {"Slice": FOREIGN[unit]}


@pytest.mark.parametrize("unit", SERVICES)
def test_runs_as_its_own_user_in_its_slice(vm, unit):
    user, slice_, _ = SERVICES[unit]
    found = vm.show(unit, "User", "Slice", "MainPID")
    assert (found["User"] or "root", found["Slice"]) == (user, slice_)
    if found["MainPID"] != "0":
        group = vm.succeed("cat", f"/proc/{found['MainPID']}/cgroup").strip()
        assert f"/{slice_}/{unit}" in group
        users = vm.succeed("ps", "-o", "user:32=", "--ppid", found["MainPID"], "--pid", found["MainPID"])
        assert set(users.split()) == {user}


@pytest.mark.parametrize("unit", [*SERVICES, *ON_DEMAND])
def test_is_locked_in(vm, unit):
    score = str(round((ON_DEMAND.get(unit) or SERVICES[unit][2]) * 10))
    vm.succeed("systemd-analyze", "security", "--no-pager", f"--threshold={score}", unit)


def test_the_model_service_has_no_network(vm):
    pid = vm.show("sigmavault-ryzan.service", "MainPID")["MainPID"]
    inside = vm.succeed("nsenter", "--net", f"--target={pid}", "--", "ip", "-brief", "link")
    assert [line.split()[0] for line in inside.splitlines()] == ["lo"]


def test_the_way_to_other_servers_is_the_model_services_alone(vm):
    listed = vm.succeed("stat", "--format=%U %a", "/run/sigmavault/ryzan-relay.sock")
    assert listed.split() == ["sigmavault-ryzan", "600"]
    assert vm.show("sigmavault-ryzan-relay.service", "ActiveState")["ActiveState"] == "inactive"


@pytest.mark.parametrize(
    "unit",
    [
        *SERVICES,
        "sigmavault-ryzan.socket",
        "sigmavault-ryzan-relay.socket",
        "smbd.service",
        "nfs-server.service",
    ],
)  # fmt: skip
def test_starts_with_the_system(host, unit):
    assert host.service(unit).is_enabled


def test_the_packages_of_ours_are_installed_whole(host):
    for name in ("sigmavault", "sigmavault-runtime", "sigmavault-model-smollm2-135m-instruct"):
        assert host.package(name).is_installed
    assert host.run("dpkg --verify sigmavault sigmavault-runtime").stdout == ""


def test_the_service_user_cannot_log_in(host):
    user = host.user("sigmavault-ryzan")
    assert user.shell.endswith("nologin")
    assert user.uid < 1000


def test_status_of_the_whole_system(vm):
    said = vm.succeed("sigmavault", "status")
    assert "smollm2" in said.lower()
