"""Who is ahead of whom."""

import pytest

from proxy.open_connections import OpenConnections


@pytest.mark.parametrize(
    ("own", "others", "is_ahead"),
    [
        (0, [0], False),
        (1, [0], False),
        (2, [0], True),
        (2, [1], False),
        (100, [98], False),
        (127, [100], True),
        (5, [9, 2, 9], True),
        (5, [], False),
        (5, [None, None], False),
    ],
)
def test_ahead(own: int, others: list[int | None], is_ahead: bool) -> None:
    connections = OpenConnections(5)
    for slot, number in enumerate([own, *others]):
        connections.set(slot, number)
    assert connections.is_ahead(0) is is_ahead
