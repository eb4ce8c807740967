"""Appeals against decisions: made by the person concerned, decided by another moderator.

What the person does, and what ends an appeal without a decision, is to be had from here. To be read
in this order: ``appealing`` (what may be appealed, opening, editing), ``deciding`` (moderators
accept and reject), ``granting`` (an accepted one has a reinstatement planned), ``ending`` (without
a decision) and ``recording`` (every step, in the ledger and to operators).
"""

from rostra.services.appeals.appealing import Case, cases, edit, open_appeal, withdraw
from rostra.services.appeals.ending import (
    before_deletion,
    close_moot,
    forget,
    holds_up_deletion,
    tell_overdue,
    why_lifted,
)

__all__ = [
    "Case",
    "before_deletion",
    "cases",
    "close_moot",
    "edit",
    "forget",
    "holds_up_deletion",
    "open_appeal",
    "tell_overdue",
    "why_lifted",
    "withdraw",
]
