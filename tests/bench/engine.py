"""What the engine costs beyond llama.cpp: CPU time of a decode step, and where it goes.

    PYTHONPATH=services python3 -m tests.bench.engine MODEL RUNTIME

One thread computes and CPU time is counted, so other work on the machine matters little. `rest` is all that a
bare loop over llama.cpp would not do: scheduling, text, frames. It must stay within 3 % of a step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.chat import GenerateRequest, Reuse, Sampling, Tokens
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama, Span
from sigmavault.ryzan.worker.outbox import Outbox
from sigmavault.ryzan.worker.sampling import Choice, Sampler
from sigmavault.ryzan.worker.states import States

LIMITS = Limits(context=4096, sequences=8, batch=512, kept=8)
SAMPLINGS = {
    "greedy": Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1),
    "sampled": Sampling(temperature=0.8, top_p=0.95, top_k=40, min_p=0.05, seed=1),
}
TOKENS, ROUNDS = 48, 3


@dataclass
class Clock:
    """CPU seconds spent in a function of llama.cpp's."""

    seconds: float = 0.0

    def time[**P, T](self, work: Callable[P, T]) -> Callable[P, T]:
        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            begun = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - begun

        return timed


class Timed(Llama):
    """Knows how long it took."""

    def __init__(self, file: Path, runtime: Path) -> None:
        super().__init__(file, runtime=runtime, limits=LIMITS, threads=1)
        self.decoding, self.choosing = Clock(), Clock()

    def decode(self, spans: Iterable[Span], *, all_outputs: bool = False) -> bool:
        return self.decoding.time(super().decode)(spans, all_outputs=all_outputs)

    def open_sampler(self, request: GenerateRequest) -> Sampler:
        sampler = super().open_sampler(request)
        choose: Callable[[int], Choice] = self.choosing.time(sampler.choose)
        sampler.choose = choose  # type: ignore[method-assign,assignment]  # the measurement
        return sampler


def measure(llama: Timed, sequences: int, sampling: Sampling) -> tuple[float, float, float]:
    """Milliseconds of a step: in all, decoding, choosing."""
    outbox = Outbox()
    engine = Engine(llama, States(identity=b"", ram_budget=0), outbox.add)
    request = GenerateRequest(
        prompt=Tokens(tokens=()), sampling=sampling, max_tokens=TOKENS, reuse=Reuse(enabled=False)
    )
    for number in range(sequences):
        engine.ask(number, [500 + (97 * at + 31 * number) % 40_000 for at in range(16)], request)
    while sum(at > 16 for at in lengths(engine)) < sequences:
        engine.step()
    llama.decoding.seconds = llama.choosing.seconds = 0.0
    begun, steps = time.process_time(), 0
    while engine.busy:
        engine.step()
        steps += 1
        if steps % 3 == 0:  # as the process does that gathers for some steps
            outbox.take()
    total = time.process_time() - begun
    return tuple(1000 * each / steps for each in (total, llama.decoding.seconds, llama.choosing.seconds))  # type: ignore[return-value]


def lengths(engine: Engine) -> list[int]:
    return [len(each.tokens) for each in engine._active]


def main() -> None:
    """Print one line for each case: the best of some rounds."""
    model, runtime = map(Path, sys.argv[1:])
    llama = Timed(model, runtime)
    sys.stdout.write("answers  tokens     step ms  decode  choose    rest\n")
    for name, sampling in SAMPLINGS.items():
        for sequences in (1, 8):
            total, decode, choose = min(measure(llama, sequences, sampling) for _ in range(ROUNDS))
            rest = total - decode - choose
            sys.stdout.write(
                f"{sequences:7}  {name:9} {total:8.2f} {decode:7.2f} {choose:7.2f} {rest:7.2f}"
                f"  {100 * rest / total:.1f} %\n"
            )


if __name__ == "__main__":
    main()
