"""What one account is to another, as the pair of them sees it."""

from __future__ import annotations

from msgspec import Struct


class FollowOptions(Struct, frozen=True):
    """How a follower wants to see the followed; stored only where it differs from this default."""

    reblogs: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()


class MuteOptions(Struct, frozen=True):
    """How an account is muted, where not the usual way; ``until`` is ms since 1970 or None."""

    notifications: bool = True
    until: int | None = None


class Kept(Struct, frozen=True):
    """What an account keeps about another one besides ties: options, and a private note."""

    follow: FollowOptions = FollowOptions()
    mute: MuteOptions = MuteOptions()
    note: str = ""


class Relationship(Struct, frozen=True, kw_only=True):
    """The relationship of an account to a target, after blocks and masks have been applied."""

    target: int
    following: bool = False
    options: FollowOptions = FollowOptions()
    followed_by: bool = False
    requested: bool = False
    requested_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
    muting_notifications: bool = False
    endorsed: bool = False
    note: str = ""
