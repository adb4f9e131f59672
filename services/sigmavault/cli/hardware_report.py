"""What `sigmavault hardware` found, as text for people and a document for programs. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sigmavault.cli.paint import Paint
from sigmavault.core.hardware import Hardware, Instruction
from sigmavault.core.threads import ThreadPlan
from sigmavault.core.tiers import CONTEXT_TOKENS, Proposal, TierChoice
from sigmavault.core.values import format_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it.

    Attributes:
        hardware: what the machine is.
        threads: how many threads would generate, without the product's own budget.
        choice: its tier; None where the manifest could not be read.
        unread: what could not be read, and why, one sentence each.
    """

    hardware: Hardware
    threads: ThreadPlan
    choice: TierChoice | None
    unread: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """A document for programs; sizes in bytes, speeds in bytes and tokens per second."""
        return {
            **_machine(self.hardware),
            "threads": {"generation": self.threads.threads, "reason": self.threads.reason},
            "tier": _tier(self.choice) if self.choice else None,
            "unread": list(self.unread),
        }


def _machine(hardware: Hardware) -> dict[str, object]:
    bandwidth = hardware.bandwidth
    return {
        "processor": {
            "name": hardware.processor.name,
            "virtual": hardware.processor.is_virtual,
            "instructions": sorted(hardware.processor.instructions),
            "online": hardware.online,
            "allowed": len(hardware.cpus.allowed),
            "cores": hardware.cpus.cores,
            "quota": hardware.cpus.quota,
            "usable_cores": hardware.usable_cores,
            "last_cache_bytes": hardware.cache_bytes,
        },
        "memory": {
            "total_bytes": hardware.memory_bytes,
            "available_bytes": hardware.available_bytes,
            "limit_bytes": hardware.memory_limit_bytes,
            "usable_bytes": hardware.usable_memory_bytes,
        },
        "bandwidth": bandwidth and {
            "read_bytes_s": round(bandwidth.read_bytes_s),
            "threads": bandwidth.threads,
            "buffer_bytes": bandwidth.buffer_bytes,
            "took_s": round(bandwidth.took_s, 3),
        },
    }  # fmt: skip


def _tier(choice: TierChoice) -> dict[str, object]:
    return {
        "name": choice.tier.name,
        "summary": choice.tier.summary,
        "reasons": list(choice.reasons),
        "models": [_model(each) for each in choice.models],
    }


def _model(proposal: Proposal) -> dict[str, object]:
    model = proposal.model
    return {
        "id": model.id,
        "purposes": list(proposal.purposes),
        "embedded": model.embedded,
        "size": model.size,
        "licence": model.licence,
        "pinned_by_commit": model.source.is_pinned,
        "memory_bytes": proposal.memory_bytes,
        "ceiling_tokens_s": _rounded(proposal.ceiling),
        f"ceiling_tokens_s_at_{CONTEXT_TOKENS}": _rounded(proposal.ceiling_full),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def render(report: Report, paint: Paint) -> str:
    """All of a report, a heading and indented lines for each part."""
    parts = [
        ("Processor", _processor(report.hardware, report.threads)),
        ("Memory", _memory(report.hardware)),
    ]
    if report.choice:
        parts += [
            (f"Tier  {paint.good(report.choice.tier.name)}", iter(report.choice.reasons)),
            ("Models for it", _models(report.choice, paint)),
        ]
    parts.append(("Could not be read", (paint.bad(each) for each in report.unread)))
    blocks = []
    for heading, body in parts:
        if texts := [f"  {text}" for text in body]:
            blocks.append("\n".join([heading, *texts]))
    return "\n\n".join(blocks) + "\n"


def _processor(hardware: Hardware, threads: ThreadPlan) -> Iterator[str]:
    processor, cpus = hardware.processor, hardware.cpus
    where = " (virtual machine)" if processor.is_virtual else ""
    yield f"name          {processor.name or 'unknown'}{where}"
    allowed = "" if len(cpus.allowed) == hardware.online else f", {len(cpus.allowed)} of them allowed"
    plural = "s" if cpus.cores != 1 else ""
    yield f"cores         {cpus.cores} core{plural}, {hardware.online} CPUs{allowed}"
    if cpus.quota is not None:
        yield f"quota         {cpus.quota:g} CPUs"
    known = [each.value for each in Instruction if each in processor.instructions]
    yield f"instructions  {' '.join(known) or 'unknown'}"
    plural = "s" if threads.threads != 1 else ""
    yield f"generation    {threads.threads} thread{plural}: {threads.reason}"


def _memory(hardware: Hardware) -> Iterator[str]:
    total, available = format_bytes(hardware.memory_bytes), format_bytes(hardware.available_bytes)
    yield f"total         {total}, {available} available"
    if hardware.memory_limit_bytes is not None:
        yield f"limit         {format_bytes(hardware.memory_limit_bytes)}"
    if found := hardware.bandwidth:
        speed, buffers = found.read_bytes_s / 1e9, format_bytes(found.buffer_bytes)
        plural = "s" if found.threads != 1 else ""
        yield f"bandwidth     {speed:.1f} GB/s reading {buffers} on {found.threads} thread{plural}"


def _models(choice: TierChoice, paint: Paint) -> Iterator[str]:
    width = max(len(each.model.id) for each in choice.models)
    row = f"{{:{width}}}  {{:10}}  {{:>8}}  {{:>8}}  {{:>8}}  {{:>8}}  {{}}"
    heads = ("model", "for", "file", "memory", "tokens/s", "at 4,096", "licence")
    yield paint.dim(row.format(*heads))
    for each in choice.models:
        yield row.format(
            each.model.id, ", ".join(each.purposes), format_bytes(each.model.size or 0),
            format_bytes(each.memory_bytes), _ceiling(each.ceiling), _ceiling(each.ceiling_full),
            each.model.licence + ("" if each.model.source.is_pinned else ", not pinned by commit"),
        )  # fmt: skip
    yield paint.dim("tokens/s: what memory bandwidth allows at most; real ones are 60 to 95 % of it")


def _ceiling(value: float | None) -> str:
    return "" if value is None else f"≤ {value:.1f}"
