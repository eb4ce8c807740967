"""What a moderator told an account: that something was done to it, or that it is undone."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.domain.appeals import Appeal, AppealState, decision_of
from rostra.domain.enforcement import Action, ActionKind, Lifting
from rostra.domain.notifications import Notification
from rostra.ports import View

LIFTED: Final = (
    "Your account is no longer suspended. Your posts, followers and follows are as they were; "
    "sign in again in your apps."
)


OUTCOMES: Final = {
    AppealState.ACCEPTED: "Your appeal was accepted.",
    AppealState.REJECTED: "Your appeal was turned down: what was decided stays.",
}


class Warning(Struct, frozen=True):
    """A message of the moderators: ``id`` of the action, what it did, why, and when (ms).

    ``appeal`` is the newest appeal against it.
    """

    id: int
    kind: ActionKind
    text: str
    at: int
    appeal: Appeal | None = None


def told_by(view: View, notification: Notification) -> Warning:
    """Return what a notification of the moderators says; a lifted action is one that does nothing.

    One from before actions were named in them tells of the last action before it.
    """
    actions, liftings = view.enforcement.of_account(notification.account)
    at = notification.created_at
    action = next((one for one in actions if one.id == notification.event), None)
    if action is None:
        action = max((one for one in actions if one.taken_at <= at), default=None, key=_taken)
    if action is None:
        return Warning(notification.id, ActionKind.NONE, "", at)
    decision = decision_of(actions, action).id
    about = [one for one in view.appeals.of(notification.account) if one.action == decision]
    latest = about[-1] if about else None
    if action.kind == ActionKind.SUSPEND and any(_ended(one, action, at) for one in liftings):
        return Warning(action.id, ActionKind.NONE, LIFTED, at, latest)
    if action.kind == ActionKind.SUSPEND and action.until is not None and action.until <= at:
        return Warning(action.id, ActionKind.NONE, LIFTED, at, latest)
    for appeal in about:
        if appeal.decided_at == at and appeal.state in OUTCOMES:
            text = f"{OUTCOMES[appeal.state]}\n\n{appeal.reply}"
            return Warning(action.id, ActionKind.NONE, text, at, appeal)
    text = "\n\n".join(part for part in (action.ground, action.text) if part)
    return Warning(action.id, action.kind, text, at, latest)


def _taken(action: Action) -> int:
    return action.taken_at


def _ended(lifting: Lifting, action: Action, at: int) -> bool:
    return lifting.action == action.id and lifting.lifted_at <= at
