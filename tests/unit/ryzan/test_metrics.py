from __future__ import annotations

from sigmavault.ryzan.metrics import Counter, Histogram, Sample, expose, gauge


def test_counter_counts_by_its_labels() -> None:
    counter = Counter(name="x_total", help="Things.", labels=("kind",))
    counter.add("a")
    counter.add("a", by=2.5)
    counter.add("b")
    assert expose([counter.family()]) == (
        '# HELP x_total Things.\n# TYPE x_total counter\nx_total{kind="a"} 3.5\nx_total{kind="b"} 1\n'
    )


def test_buckets_hold_everything_up_to_their_bound() -> None:
    histogram = Histogram(name="t_seconds", help="Times.", bounds=(0.5, 1.0))
    for value in (0.1, 0.5, 0.6, 7.0):
        histogram.observe(value)
    assert expose([histogram.family()]).splitlines()[2:] == [
        't_seconds_bucket{le="0.5"} 2',
        't_seconds_bucket{le="1"} 3',
        't_seconds_bucket{le="+Inf"} 4',
        "t_seconds_sum 8.2",
        "t_seconds_count 4",
    ]


def test_label_cannot_break_out_of_its_line() -> None:
    text = expose([gauge("g", "G.", [Sample(1, [("name", 'a"b\\c\nd')])])])
    assert text.splitlines()[2] == 'g{name="a\\"b\\\\c\\nd"} 1'


def test_family_without_lines_is_left_out() -> None:
    assert expose([Counter(name="x_total", help="Things.").family()]) == ""
