"""What a notification tells beside whom and what it is about: a warning or a report."""

from __future__ import annotations

from typing import Final

import msgspec

from rostra.api.mastodon import reports
from rostra.api.rendering import Entity, when
from rostra.api.state import Api
from rostra.domain.appeals import Appeal
from rostra.domain.enforcement import ActionKind
from rostra.domain.notifications import Notification, NotificationType
from rostra.ports import Snapshot
from rostra.services.notifying import warnings

ACTIONS: Final = {
    # https://docs.joinmastodon.org/entities/AccountWarning/#action
    ActionKind.NONE: "none",
    ActionKind.SUSPEND: "suspend",
    ActionKind.LIMIT: "silence",
    ActionKind.FREEZE: "disable",
    ActionKind.SENSITIVE: "sensitive",
}


def extras(api: Api, snap: Snapshot, notification: Notification) -> Entity:
    """Return the fields that only notifications of some types have."""
    if notification.type == NotificationType.MODERATION_WARNING:
        return {"moderation_warning": _warning(api, snap, notification)}
    if notification.type == NotificationType.ADMIN_REPORT:
        report = snap.reports.get(notification.event or 0)
        return {} if report is None else {"report": msgspec.Raw(reports.body(api, snap, report))}
    return {}


def _warning(api: Api, snap: Snapshot, notification: Notification) -> Entity:
    warning = warnings.told_by(snap, notification)
    return {
        "id": str(warning.id),
        "action": ACTIONS.get(warning.kind, "none"),
        "text": warning.text,
        "status_ids": None,
        "target_account": msgspec.Raw(api.parts.account(snap, notification.account)),
        "appeal": _appeal(warning.appeal),
        "created_at": when(warning.at),
    }


def _appeal(appeal: Appeal | None) -> Entity | None:
    """Return the Appeal entity (https://docs.joinmastodon.org/entities/Appeal/)."""
    state = appeal.state.entity if appeal is not None else None
    return None if appeal is None or state is None else {"text": appeal.text, "state": state}
