"""Checking the chain of the ledger: each entry in turn, in order of its number."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from rostra.domain.ledger import START, Content, digest, read, sealed


class Fault(enum.StrEnum):
    """What can be wrong with an entry."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    MOVED = "moved"
    BROKEN = "broken"
    MISFILED = "misfiled"
    HEAD = "head"


class Break(Struct, frozen=True):
    """A place where the chain does not hold: the number of the entry, and what is wrong there."""

    number: int
    fault: Fault
    detail: str


class Chain:
    """The chain as far as it was followed: the number and the hash of the last entry."""

    def __init__(self) -> None:
        self.number = 0
        self.hash = START
        self._known = True

    def follow(self, number: int, content: str, hash_: bytes) -> Iterator[Break]:
        """Go on to the next entry, and yield what is wrong with it.

        Args:
            number: the number it is stored under, above those before.
            content: its canonical JSON.
            hash_: its hash.
        """
        known, previous = self._known, self.hash
        if number != self.number + 1:
            known = False
            yield Break(self.number + 1, Fault.MISSING, _missing(self.number + 1, number - 1))
        said = _read(content)
        in_place = said is not None and said.number == number
        if said is None:
            yield Break(number, Fault.UNREADABLE, f"entry {number} is no entry of a ledger")
        elif not in_place:
            detail = f"in the place of entry {number} stands what was written as {said.number}"
            yield Break(number, Fault.MOVED, detail)
        elif known and sealed(previous, digest(content)) != hash_:
            detail = (
                f"the hash of entry {number} does not seal what it says and the entry before: "
                "one of the two was altered"
            )
            yield Break(number, Fault.BROKEN, detail)
        self.number, self.hash, self._known = number, hash_, in_place

    def ends_at(self, number: int, hash_: bytes) -> Iterator[Break]:
        """Yield what is wrong when the chain should have had a hash at a number, as somebody noted
        who saw it then; to be asked when the chain was followed to that number or to its end.
        """
        if self.number < number:
            detail = f"the ledger ends at entry {self.number}, and entry {number} was seen before"
            yield Break(number, Fault.HEAD, detail)
        elif self.number == number and self.hash != hash_:
            detail = f"entry {number} had another hash when it was noted: history was rewritten"
            yield Break(number, Fault.HEAD, detail)


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"entry {first} is missing"
    return f"entries {first} to {last} are missing"


def _read(content: str) -> Content | None:
    try:
        return read(content)
    except (msgspec.DecodeError, TypeError):
        return None
