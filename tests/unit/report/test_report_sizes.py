from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scripts.report.sizes import ESSENTIAL, UNNEEDED, Sizes, attribute, changes, measure, top
from scripts.report.status import Package
from scripts.report.text import render_change, render_sizes


def package(name: str, *depends: tuple[str, ...], size: int = 1, essential=False, provides=()) -> Package:
    return Package(
        name=name, version="1", architecture="all", size=size, essential=essential, depends=depends,
        provides=tuple(provides),
    )  # fmt: skip


def tree(*packages: Package) -> dict[str, Package]:
    return {item.name: item for item in packages}


def test_the_first_feature_that_needs_a_package_owns_it():
    packages = tree(package("samba", ("libs",)), package("nfs", ("libs",)), package("libs"))
    owners = attribute(packages, {"files": ["nfs"], "samba": ["samba"]})
    assert owners == {"nfs": "files", "libs": "files", "samba": "samba"}


def test_what_every_debian_has_comes_before_all_features():
    packages = tree(package("dpkg", ("libc6",), essential=True), package("libc6"), package("app", ("libc6",)))
    assert attribute(packages, {"base": ["app"]}) == {"dpkg": ESSENTIAL, "libc6": ESSENTIAL, "app": "base"}


def test_an_alternative_is_the_one_that_is_installed():
    packages = tree(package("app", ("missing", "there")), package("there"))
    assert attribute(packages, {"base": ["app"]})["there"] == "base"


def test_a_virtual_package_is_what_provides_it():
    packages = tree(package("app", ("mta",)), package("postfix", provides=["mta"]), package("idle"))
    owners = attribute(packages, {"base": ["app"]})
    assert (owners["postfix"], owners["idle"]) == ("base", UNNEEDED)


def test_a_named_package_that_is_not_installed_is_no_share():
    assert attribute(tree(package("a")), {"base": ["b"]}) == {"a": UNNEEDED}


names = st.sampled_from([f"p{number}" for number in range(12)])
graphs = st.dictionaries(names, st.tuples(st.lists(names, max_size=4), st.integers(0, 10**9), st.booleans()))


@given(graphs, st.dictionaries(st.sampled_from(["one", "two", "three"]), st.lists(names, max_size=5)))
def test_the_shares_add_up_and_nothing_counts_twice(graph, features):
    packages = tree(
        *(package(name, *((item,) for item in needs), size=size, essential=essential)
          for name, (needs, size, essential) in graph.items())
    )  # fmt: skip
    found = measure("x.iso", packages, features, {})
    assert sum(found.features.values()) == sum(item.size for item in packages.values())
    assert list(found.features) == [ESSENTIAL, *features, UNNEEDED]


def sizes(**values: int) -> Sizes:
    return Sizes(image="x.iso", tree_bytes=sum(values.values()), features={}, packages=values, folders={})


def test_the_largest_come_first_and_equals_by_name():
    assert top({"b": 2, "a": 2, "c": 3}, 2) == [("c", 3), ("a", 2)]


def test_only_what_changed_is_a_change():
    assert changes({"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 5, "new": 4}) == {"b": 3, "gone": -3, "new": 4}


def test_json_reads_back():
    found = sizes(a=1).with_image(7)
    assert Sizes.model_validate_json(found.to_json()) == found
    assert found.image_bytes == 7


def test_the_text_has_sizes_in_megabytes():
    found = measure(
        "x.iso", tree(package("big", size=5_250_000)), {"base": ["big"]}, {"usr/lib/x": 7_000_000}
    )
    text = render_sizes(found.with_image(1_000_000))
    assert "x.iso: 1.00 MB" in text
    assert "      5.25  base\n" in text
    assert "      5.25  all\n" in text
    assert "      7.00  /usr/lib/x\n" in text


def test_the_change_names_at_most_twenty_and_counts_the_rest():
    old, new = sizes(), sizes(**{f"p{number:02}": number * 1_000_000 for number in range(1, 31)})
    text = render_change(old, new)
    assert "    +30.00 MB  p30\n" in text
    assert "p10" not in text
    assert "and 10 more" in text


def test_a_few_bytes_are_not_nothing():
    assert "+8 bytes  motd" in render_change(sizes(motd=10), sizes(motd=18))
