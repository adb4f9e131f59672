"""hostd over the bus: look, plan, apply; jobs; the audit of all of it."""

from __future__ import annotations

import json

from tests.services.host import Caller, HostDaemon


def test_a_plan_is_made_and_applied_and_the_job_tells_how_it_ended(host: HostDaemon, root: Caller) -> None:
    plan, token = root.plan("thing.make", name="lamp", parts=2)
    assert plan["arguments"] == {"name": "lamp", "parts": 2, "pause_ms": 0, "breaks_at": 0}
    assert [step["text"] for step in plan["steps"]] == ["Make part 0", "Make part 1"]
    job = root.end(root.apply(token))
    assert (job["State"], json.loads(job["Answer"]), job["Progress"]) == ("done", {"parts": 2}, 1.0)
    assert root.read("thing.list") == {"things": [{"name": "lamp", "parts": 2}]}
    told = [(each["event"], each["operation"], each["result"]) for each in host.audit()]
    assert told == [
        ("start", "", "ok"), ("plan", "thing.make", "ok"), ("begin", "thing.make", "ok"),
        ("end", "thing.make", "ok"), ("read", "thing.list", "ok"),
    ]  # fmt: skip
