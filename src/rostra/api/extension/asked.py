"""What operations of this server's own API are asked with."""

from msgspec import Struct


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters in which a name that is not known is refused.

    Apps send Mastodon's API what other servers want of them, so there it is passed over. Here a
    misspelled ``except`` or ``require_headroom`` would be a guard left out without a word.
    """
