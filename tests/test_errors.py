"""An unknown name is answered with the nearest known ones."""

from hypothesis import given
from hypothesis import strategies as st

from dgm.errors import unknown

words = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=6, max_size=12)


@given(words, st.lists(words, max_size=20), st.data())
def test_one_wrong_letter_finds_the_name(name: str, others: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    wrong = name[:at] + "0" + name[at + 1 :]
    message = str(unknown("run", wrong, [name, *[other for other in others if other != name][:2]], "file.md: line 3"))
    assert message.startswith(f"file.md: line 3: no run {wrong!r}; nearest: ")
    assert repr(name) in message


def test_without_a_near_name_all_are_listed() -> None:
    assert str(unknown("run", "zzz", ["abc", "def"])) == "no run 'zzz'; there are: 'abc', 'def'"
    assert "none at all" in str(unknown("run", "zzz", []))
