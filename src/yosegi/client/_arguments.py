"""Arguments of the public Python API: one of another kind is refused at once, and the sentence says what to give."""

from __future__ import annotations


def check_kind(call: str, name: str, value: object, kinds: type | tuple[type, ...], wanted: str) -> None:
    """See that an argument is of a kind.

    Args:
        call: of the caller, e.g. `connect()`.
        name: of the argument.
        value: that was given.
        kinds: that are taken.
        wanted: the same in words.

    Raises:
        TypeError: it is none of them.
    """
    if (isinstance(value, bool) and kinds in (int, (int, float))) or not isinstance(value, kinds):
        raise TypeError(f"{call}: {name} is of type {type(value).__name__}; give {wanted}")


def check_word(call: str, name: str, value: object, words: tuple[str, ...]) -> None:
    """See that an argument is one of some words.

    Raises:
        ValueError: it is not.
    """
    if value not in words:
        raise ValueError(f"{call}: {name} is {value!r}; give one of {', '.join(words)}")
