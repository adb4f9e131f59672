"""How many threads compute, on a quiet machine and beside other programs."""

from __future__ import annotations

from collections.abc import Callable

from sigmavault.ryzan.worker.crew import Crew

type Machine = Callable[[int], tuple[float, float]]
"""Seconds that a step takes by the clock, and of CPU time, with so many threads."""


def quiet(threads: int) -> tuple[float, float]:
    return 0.006 / threads, 0.006


def beside_a_program(threads: int) -> tuple[float, float]:
    """Of two CPUs one is busy: two threads share the other and wait for each other."""
    return (0.006, 0.006) if threads == 1 else (0.030, 0.033)


def crowded(threads: int) -> tuple[float, float]:
    """Two programs beside it: whoever has more threads gets more."""
    return (0.012, 0.006) if threads == 1 else (0.009, 0.010)


def run(crew: Crew, machine: Machine, seconds: float, rows: int = 1) -> list[int]:
    """The thread counts of the steps of so much time."""
    counts: list[int] = []
    while seconds > 0:
        counts.append(crew.threads)
        wall, cpu = machine(crew.threads)
        crew.learn(rows, wall, cpu)
        seconds -= wall
    return counts


def crew(most: int = 2) -> Crew:
    made = Crew()
    made.limit(most)
    return made


def test_nothing_is_tried_on_a_quiet_machine() -> None:
    assert set(run(crew(), quiet, 60)) == {2}


def test_beside_another_program_one_thread_goes_on_alone() -> None:
    counts = run(crew(), beside_a_program, 60)
    assert set(counts[12:40]) == {1}
    assert counts.count(2) < 0.01 * len(counts)


def test_when_the_other_program_has_gone_all_threads_compute_again() -> None:
    both = crew()
    run(both, beside_a_program, 60)
    assert both.is_short
    assert set(run(both, quiet, 10)[-500:]) == {2}
    assert not both.is_short


def test_more_threads_stay_where_they_are_faster_although_they_share_their_cpus() -> None:
    counts = run(crew(), crowded, 60)
    assert counts.count(1) < 0.02 * len(counts)


def test_of_many_threads_as_many_are_left_as_have_a_cpu() -> None:
    def six_free(threads: int) -> tuple[float, float]:
        return (0.048 / threads, 0.048) if threads <= 6 else (0.03, 0.03 * 6)

    counts = run(crew(8), six_free, 60)
    assert counts.count(6) > 0.95 * len(counts)


def test_steps_of_different_sizes_are_not_compared() -> None:
    both = crew()
    for step in range(400):
        rows = 1 + step % 4
        both.learn(rows, 0.01 * rows, 0.005 * rows)
    assert both.threads == 2


def test_a_limit_holds_at_once() -> None:
    both = crew(4)
    run(both, quiet, 1)
    both.limit(1)
    assert set(run(both, beside_a_program, 10)) == {1}


def test_a_reader_of_long_prompts_gets_its_threads_back_as_soon_as_a_writer() -> None:
    reader = Crew(usual=2, tried=1)
    reader.limit(2)
    for machine, seconds in ((beside_a_program, 60.0), (quiet, 8.0)):
        while seconds > 0:
            wall, cpu = (500 * each for each in machine(reader.threads))
            reader.learn(1, wall, cpu, units=500)
            seconds -= wall
    assert not reader.is_short


def test_prompts_too_short_to_compare_do_not_keep_a_thread_back() -> None:
    reader = Crew(usual=2, tried=1)
    reader.limit(2)
    run(reader, beside_a_program, 60)
    assert reader.is_short
    for _ in range(80):
        reader.pass_by(0.1)
    assert not reader.is_short
