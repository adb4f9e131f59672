"""A run that did not come to its end, taken up again: what was answered then is proposed now. No widgets.

What the machine has by now is left out, and nothing that may lose data is agreed to in advance.
"""

from __future__ import annotations

from typing import Any

from sigmavault.core.errors import ConfigError
from sigmavault.core.network import Method
from sigmavault.core.setup.answers import Answers, NewPool, parse_answers
from sigmavault.desktop.setup.draft import Draft, Folder

_ORIGIN = "the journal"


def resume(draft: Draft, before: dict[str, Any]) -> None:
    """Write into a fresh draft what was answered before.

    Args:
        draft: as it is proposed for the machine.
        before: answers as a journal keeps them, without a password; what cannot be read counts for nothing.
    """
    try:
        answers = parse_answers(before, _ORIGIN)
    except ConfigError:
        return
    draft.host_name = answers.host_name or draft.host_name
    draft.time_zone = answers.time_zone or draft.time_zone
    if draft.person.is_wanted and answers.administrator is not None:
        draft.person.full_name, draft.person.name = (
            answers.administrator.full_name,
            answers.administrator.name,
        )
        draft.person.is_own_name = True
    _network(draft, answers)
    if answers.pool is not None:
        _pool(draft, answers.pool)
    _folders(draft, answers)
    draft.models = set(answers.models) - draft.facts.state.models
    draft.models_on_system_disk = answers.models_on_system_disk


def _network(draft: Draft, answers: Answers) -> None:
    wished, wiring = answers.network, draft.network
    if wished is None or wished.method is not Method.STATIC:
        return
    wiring.is_fixed, wiring.port = True, wished.port or wiring.port
    wiring.address, wiring.gateway = wished.address or "", wished.gateway or ""
    wiring.name_server = ", ".join(wished.name_servers)


def _pool(draft: Draft, wished: NewPool) -> None:
    known = {each.name for each in draft.facts.disks if each.is_eligible or each.is_overwritable}
    if wished.name in draft.facts.state.pools or not known.issuperset(wished.disks):
        return
    pool = draft.pool
    pool.is_wanted, pool.name, pool.disks, pool.layout = True, wished.name, wished.disks, wished.layout
    pool.uneven_sizes = wished.uneven_sizes


def _folders(draft: Draft, answers: Answers) -> None:
    by_name = {each.name: each for each in draft.folders}
    for share in answers.shares:
        if share.name not in by_name:
            draft.folders.append(Folder(name=share.name, preset=share.preset, is_wanted=True))
        else:
            by_name[share.name].is_wanted = True
        draft.everybody = share.everybody
