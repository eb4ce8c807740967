"""Passwords: hashed and checked in few threads beside the event loop, whoever asks.

A hash takes 64 MiB and four lanes (RFC 9106, section 4). One at a time in a process: a storm of
sign-ins waits in line, takes no more memory than one does, and its threads give way to those that
answer readers.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rostra.domain.errors import Invalid, Unavailable

T = TypeVar("T")

MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 72 * 8
THREADS: Final = 1
WAITING: Final = 128
"""How many may wait in line; who comes later is asked to come back."""

NICE: Final = 10

# What RFC 9106 recommends second: three passes over 64 MiB in four lanes.
_hasher = PasswordHasher()

_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlzIQ$"
    "bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkLCBldmVyISE"
)
"""The hash that an unknown account is checked against, so that it takes as long as a known one."""


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # of this thread alone


def _begin() -> None:
    """Make the threads; a process that was forked has none of its parent's."""
    global _threads, _waiting
    _threads = ThreadPoolExecutor(
        max_workers=THREADS, thread_name_prefix="passwords", initializer=_give_way
    )
    _waiting = 0


_threads: ThreadPoolExecutor
_waiting: int
_begin()
os.register_at_fork(after_in_child=_begin)


async def _in_line(work: Callable[[], T]) -> T:
    global _waiting
    if _waiting >= WAITING:
        raise Unavailable(
            "Too many people sign in at this moment. Try again in a minute",
            log=f"{_waiting} passwords wait to be hashed",
        )
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _waiting -= 1


def check(password: str) -> str:
    """Return a password that may be set.

    Raises:
        Invalid: it is too short or too long, in Mastodon's words.
    """
    if len(password) < MIN_PASSWORD:
        raise Invalid(
            "Validation failed: Password is too short (minimum is %(num)s characters)",
            num=MIN_PASSWORD,
        )
    if len(password) > MAX_PASSWORD:
        raise Invalid(
            "Validation failed: Password is too long (maximum is %(num)s characters)",
            num=MAX_PASSWORD,
        )
    return password


async def hashed(password: str) -> str:
    """Return the argon2id hash of a password.

    Raises:
        Unavailable: too many wait in line.
    """
    return await _in_line(lambda: _hasher.hash(password))


async def matches(known: str | None, password: str) -> bool:
    """Return whether a password has the hash ``known``; with None it takes as long and does not.

    Raises:
        Unavailable: too many wait in line.
    """
    return await _in_line(lambda: _verify(known or _NOBODY, password[: MAX_PASSWORD + 1]))


def _verify(known: str, password: str) -> bool:
    try:
        return _hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
