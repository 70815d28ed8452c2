"""What a run shows while it works."""

from __future__ import annotations

from qvar.runs.progress import room


def test_names_have_room_on_every_terminal() -> None:
    assert room(20) == (8, False, False)
    for width in range(28, 200):
        name, bar, note = room(width)
        assert name + 11 + 7 + 10 * bar + 24 * note + 2 + bar + note == width
        assert name >= (17 if width >= 40 else 8)
    assert room(80) == (24, True, True)  # as much as "hardware_efficient x4" takes
