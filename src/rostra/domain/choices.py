"""What is chosen by its name out of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from rostra.domain.errors import Invalid

T = TypeVar("T")


def chosen(what: str, name: str, among: Mapping[str, T]) -> T:
    """Return what goes by a name.

    Args:
        what: what is chosen, as a message begins with it, such as ``"Visibility"``.
        name: the name given.
        among: all there are, by their names.

    Raises:
        Invalid: there is none of that name; the message lists those there are.
    """
    found = among.get(name)
    if found is None:
        raise Invalid(
            "Validation failed: %(field)s must be one of %(among)s",
            field=what,
            among=", ".join(among),
        )
    return found
