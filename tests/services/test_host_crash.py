"""hostd killed at any moment: the next one finds every job as it really ended."""

from __future__ import annotations

import random
import time

from tests.services.daemon import wait_until
from tests.services.host import Caller, HostDaemon, refused

KILLS, JOBS, PARTS = 10, 10, 40


def test_a_job_that_was_killed_is_found_as_it_really_ended(host: HostDaemon) -> None:
    """100 jobs, ten at a time; each tells the truth about how many of its parts there are."""
    dice = random.Random(20261122)  # noqa: S311  # chance, not a secret
    seen = {"done": 0, "failed": 0}
    for round_ in range(KILLS):
        with host.caller() as caller:
            names = [f"thing-{round_}-{at}" for at in range(JOBS)]
            jobs = {}
            for name in names:
                jobs[name] = caller.do("thing.make", name=name, parts=PARTS, pause_ms=dice.randrange(1, 8))
            time.sleep(dice.uniform(0, 0.35))
            host.kill()
        host.start()
        host.wait_ready()
        with host.caller() as caller:
            there = {each["name"]: each["parts"] for each in caller.read("thing.list")["things"]}
            for name, path in jobs.items():
                truth = "done" if there.get(name, 0) == PARTS else "failed"
                shown = caller.read("job.show", job=path.rpartition("/")[2])
                assert shown["state"] == truth, (name, there.get(name), shown)
                if truth == "failed":  # it is on the bus as well, for whoever waited for it
                    assert caller.job(path)["State"] == truth
                seen[truth] += 1
            assert caller.read("audit.verify")["intact"], host.audit()[-3:]
    assert sum(seen.values()) == KILLS * JOBS
    assert min(seen.values()) >= 5, f"the kills came too early or too late to say anything: {seen}"


def test_what_the_state_does_not_tell_is_unknown_and_not_tried_again(host: HostDaemon, root: Caller) -> None:
    root.end(root.do("thing.make", name="lamp", parts=1))
    job = root.do("thing.smash", "lamp", name="lamp")
    host.kill()
    host.start()
    host.wait_ready()
    with host.caller() as caller:
        shown = caller.job(job)
        assert (shown["State"], shown["Error"]) == ("unknown", "org.sigmavault.Error.Job.Unknown")
        assert shown["Message"] == (
            "the daemon was restarted meanwhile; the state does not show how it ended"
        )
        resolved = [row for row in host.audit() if row["event"] == "resolved"]
        assert [(row["operation"], row["result"]) for row in resolved] == [("thing.smash", "job.unknown")]
        # nothing is locked by what is over, and no plan outlives the daemon that made it
        assert caller.end(caller.do("thing.smash", "lamp", name="lamp"))["State"] == "done"


def test_a_plan_does_not_outlive_the_daemon(host: HostDaemon, root: Caller) -> None:
    _, token = root.plan("thing.make", name="lamp")
    host.kill()
    host.start()
    host.wait_ready()
    with refused("Plan.Token"):
        root.apply(token)


def test_a_stopped_daemon_lets_its_jobs_end_and_begins_none(host: HostDaemon, root: Caller) -> None:
    job = root.do("thing.make", name="lamp", parts=20, pause_ms=60)
    _, token = root.plan("thing.make", name="vase")
    wait_until("some parts", lambda: root.job(job)["Progress"] > 0)
    host.process.terminate()
    wait_until("it to hear", lambda: "STOPPING=1" in host.notices)
    with refused("Service.Unavailable"):
        root.apply(token)
    assert host.stop() == 0
    host.start()
    host.wait_ready()
    with host.caller() as caller:
        assert caller.read("job.show", job=job.rpartition("/")[2])["state"] == "done"
    assert [row["event"] for row in host.audit()].count("resolved") == 0
