"""What is asked for at once grows with answers that come in time, for slices that begin meanwhile too."""

from datetime import UTC, datetime

from providers.github.sizing import PageSizes
from providers.github.slicing import Slice

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def searching(for_what: str) -> Slice:
    return Slice(q=for_what, since=NOW, until=NOW)


def test_a_new_slice_begins_with_what_is_good_for_one_under_way_and_is_not_slowed_down_by_another() -> None:
    sizes = PageSizes()
    quick, slow = sizes.of(searching("quick")), sizes.of(searching("slow"))
    first = quick.now
    for _ in range(2):
        quick.answered(quick.now, whole=True)
    slow.shrink(slow.now)
    assert slow.now < first < quick.now
    assert sizes.of(searching("new")).now == quick.now
