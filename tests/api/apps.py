"""Mastodon.py as tests use it: whatever an answer holds is held against the types it declares."""

from __future__ import annotations

import inspect
import re
import typing
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache, wraps
from types import ModuleType
from typing import Any, Final

import requests
from mastodon import Mastodon, return_types

SPOKEN: Final = (4, 5, 0)
"""The version of Mastodon whose fields must all be there."""

SOMETIMES: Final = {
    "Account": {"moved", "suspended", "limited", "role", "source", "mute_expires_at", "memorial"},
    "MediaAttachmentMetadataContainer": {"colors", "focus"},
    "Notification": {"annual_report", "event", "moderation_warning", "report", "status"},
    "NotificationGroup": {
        "annual_report",
        "event",
        "moderation_warning",
        "report",
        "status_id",
    },
    "GroupedNotificationsResults": {"partial_accounts"},
    "Tag": {"featuring", "history", "following", "id", "trendable", "usable", "requires_review"},
    "Status": {"pinned"},
    "StatusEdit": {"poll"},
    "Report": {"rules_ids"},  # a slip of the library's: Mastodon's name is rule_ids
    "AdminAccount": {"created_by_application_id", "invited_by_account_id"},
}
"""Fields that are left out unless there is something to say, in Mastodon too."""

PARTLY: Final = {"Status.application", "StatusEdit.poll", "ScheduledStatusParams.poll"}
"""Fields that hold less than the entity they are declared as, in Mastodon too."""

OTHERWISE: Final = {
    f"AdminReport.{name}": return_types.AdminAccount
    for name in ("account", "target_account", "assigned_account", "action_taken_by_account")
}
"""Fields that hold another entity than the one they are declared as."""

MADE_OF_SEVERAL: Final = {"fetch_remaining", "status_card"}
"""Methods that make their answer of others, each of which is checked itself."""

UNPAGED: Final = {
    f"GroupedNotificationsResults.notification_groups.{name}"
    for name in ("page_min_id", "page_max_id", "latest_page_notification_at")
}
"""What a group of notifications has in a list alone, in Mastodon too."""

UNMEASURED: Final = {"MediaAttachment.meta.original", "MediaAttachment.meta.small"}
"""What media that are still worked on have not."""

DECLARED: Final = {
    "admin_delete_canonical_email_block": dict,
    "featured_tag_suggestions": list[return_types.Tag],
    "filter_v2": return_types.FilterV2,
    "update_filter_v2": return_types.FilterV2,
    "create_filter_v2": return_types.FilterV2,
}
"""What Mastodon answers where the library declares something else."""

KINDS: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "datetime": (datetime,),
    "IdType": (int, str),
    "MaybeSnowflakeIdType": (int, str),
}


# -- entities --------------------------------------------------------------------------------------


@cache
def added(kind: type) -> dict[str, tuple[int, ...]]:
    """Return for each field of an entity which version of Mastodon added it."""
    found = {}
    pattern = re.compile(r'^    (\w+): "[^\n]*\n    """(.*?)"""', re.MULTILINE | re.DOTALL)
    for name, text in pattern.findall(inspect.getsource(kind)):
        versions = re.findall(r"\* (\d+)\.(\d+)\.(\d+): added", text)
        gone = re.search(r": (removed|deprecated)", text)
        if versions and not gone:
            found[name] = tuple(map(int, versions[0]))
    return found


def entity_of(annotation: str) -> tuple[type | None, bool]:
    """Return the entity an annotation names, and whether it is a list of them."""
    inner = re.search(r"List\[(\w+)\]", annotation)
    name = inner.group(1) if inner else annotation.replace("Optional[", "").strip("]'\"")
    kind = getattr(return_types, name, None)
    return (kind if is_entity(kind) else None), inner is not None


def is_entity(kind: Any) -> bool:
    return isinstance(kind, type) and "__annotations__" in vars(kind)


def _inside(kind: type, value: Any, where: str) -> Iterator[tuple[type, Any, str]]:
    """Yield the entities within an entity, what stands there, and where."""
    renamed = getattr(kind, "_rename_map", {})
    for name, version in added(kind).items():
        key = name if name in value else renamed.get(name, name)
        inner, is_list = entity_of(kind.__annotations__[name])
        if inner is None or version > SPOKEN or value.get(key) is None:
            continue
        if f"{kind.__name__}.{name}" in PARTLY:
            continue
        inner = OTHERWISE.get(f"{kind.__name__}.{name}", inner)
        for one in value[key] if is_list else [value[key]]:
            yield inner, one, f"{where}.{key}"


def missing(kind: type, raw: Any, where: str = "") -> list[str]:
    """Return which fields of an entity, and of those in it, an answer lacks."""
    where = where or kind.__name__
    assert isinstance(raw, dict), where
    renamed = getattr(kind, "_rename_map", {})
    found = [
        f"{where}.{renamed.get(name, name)}"
        for name, version in added(kind).items()
        if version <= SPOKEN
        and renamed.get(name, name) not in raw
        and name not in SOMETIMES.get(kind.__name__, set())
    ]
    for inner, value, place in _inside(kind, raw, where):
        found += missing(inner, value, place)
    return found


def mistyped(kind: type, value: Any, where: str = "") -> list[str]:
    """Return which plain fields of an entity, as the library gives it, are of another type."""
    where = where or kind.__name__
    wrong = []
    for name, version in added(kind).items():
        annotation = kind.__annotations__[name]
        inner = annotation.removeprefix("Optional[").rstrip("]")
        if inner not in KINDS or name not in value or version > SPOKEN:
            continue
        given = value.get(name)
        if given is None and annotation.startswith("Optional["):
            continue
        wanted = KINDS[inner]
        if not isinstance(given, wanted) or (isinstance(given, bool) and bool not in wanted):
            wrong.append(f"{where}.{name} is {given!r}")
    for inner_kind, one, place in _inside(kind, value, where):
        wrong += mistyped(inner_kind, one, place)
    return wrong


def check_entity(kind: type, raw: Any, value: Any) -> None:
    """A list or an entity has each of its fields, of the type the library says."""
    if isinstance(raw, list):
        assert len(raw) == len(value) > 0
        for one, other in zip(raw, value, strict=True):
            check_entity(kind, one, other)
        return
    assert faults(kind, raw, value) == []


def faults(kind: type, raw: Any, value: Any) -> list[str]:
    """Return what is missing or of another type in an entity."""
    return missing(kind, raw) + mistyped(kind, value)


# -- answers ---------------------------------------------------------------------------------------


def _entities(declared: Any) -> tuple[list[type], list[type], list[type]]:
    """Return which entities a method may answer with: alone, in a list, as values of a mapping."""
    alone: list[type] = []
    listed: list[type] = []
    mapped: list[type] = []
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Union:
        for one in inner:
            for found, more in zip((alone, listed, mapped), _entities(one), strict=True):
                found += more
    elif isinstance(origin, type) and issubclass(origin, list):
        listed += [one for one in inner if is_entity(one)]
    elif origin is dict:
        mapped += [one for one in inner if is_entity(one)]
    elif is_entity(declared):
        alone.append(declared)
    return alone, listed, mapped


def check_answer(name: str, declared: Any, raw: Any, value: Any) -> None:
    """Hold what a method answered against what the library declares it to answer."""
    alone, listed, mapped = _entities(declared)
    if isinstance(raw, list):
        pairs = [(listed, one, other) for one, other in zip(raw, value, strict=True)]
    elif mapped:
        pairs = [(mapped, one, value[key]) for key, one in raw.items()]
    else:
        pairs = [(alone, raw, value)]
    for kinds, one, other in pairs:
        excused = UNPAGED if name == "grouped_notification" else set()
        if name in ("media", "media_post") and one.get("url") is None:
            excused = UNMEASURED
        found = [sorted(set(faults(kind, one, other)) - excused) for kind in kinds]
        assert not found or [] in found, (name, min(found, key=len))


def _keeper(answers: list[Any]) -> Callable[..., None]:
    """Return what keeps the JSON of each answer; it holds no app, so that one can go."""

    def keep(response: requests.Response, **options: Any) -> None:
        kind = response.headers.get("Content-Type", "")
        if not options.get("stream") and response.ok and "json" in kind:
            answers.append(response.json())

    return keep


class App(Mastodon):
    """Mastodon.py, whose every answer is checked, with the raw JSON of an answer at hand."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.answers: list[Any] = []
        session = requests.Session()
        session.hooks["response"].append(_keeper(self.answers))
        super().__init__(*given, session=session, **named)
        weakref.finalize(self, session.close)

    def raw(self, path: str, **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        return self.session.get(self.api_base_url + path, headers=headers, params=params).json()


def _checked(name: str, method: Any) -> Any:
    """Return a method of the library that checks what it was answered last."""
    declared = DECLARED.get(name) or typing.get_type_hints(method)["return"]

    @wraps(method)
    def call(self: App, *given: Any, **named: Any) -> Any:
        before = len(self.answers)
        value = method(self, *given, **named)
        if len(self.answers) > before and name not in MADE_OF_SEVERAL:
            check_answer(name, declared, self.answers[-1], value)
        return value

    return call


def methods() -> dict[str, Any]:
    """Return what the library can be asked to do, by name."""
    return {
        name: method
        for name, method in inspect.getmembers(Mastodon, inspect.isfunction)
        if not name.startswith("_")
    }


for _name, _method in methods().items():
    _answer = getattr(_method, "__annotations__", {}).get("return")
    if _answer is not None and not isinstance(_answer, ModuleType):
        setattr(App, _name, _checked(_name, _method))
