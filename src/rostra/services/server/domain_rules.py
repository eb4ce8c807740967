"""What a server's owners decide about other domains; federation will ask for it."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import structs

from rostra.domain.errors import Invalid, NotFound
from rostra.domain.reports import DomainRule, Severity
from rostra.ports import Context, Transaction, View
from rostra.services.roles import require_moderator

MAX_COMMENT: Final = 2000
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def normal_domain(text: str) -> str:
    """Return a domain in lower case and ASCII (IDNA).

    Raises:
        Invalid: it is none.
    """
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise Invalid("Validation failed: Domain is not a valid domain name")
    return name


def _severity(text: str | None) -> Severity:
    try:
        return Severity(text or Severity.SILENCE)
    except ValueError:
        raise Invalid(
            "Validation failed: Severity must be one of %(among)s", among=", ".join(Severity)
        ) from None


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given of a rule, in its types; None means it was not given.

    Raises:
        Invalid: the severity is unknown, or a comment too long.
    """
    kept = {name: value for name, value in given.items() if value is not None}
    if "severity" in kept:
        kept["severity"] = _severity(kept["severity"])
    for name in ("private_comment", "public_comment"):
        if len(kept.get(name, "")) > MAX_COMMENT:
            raise Invalid(
                "Validation failed: %(field)s is too long (maximum is %(num)s characters)",
                field=name.replace("_", " ").capitalize(),
                num=MAX_COMMENT,
            )
    return kept


async def decide(
    ctx: Context, *, moderator: int, domain: str, allowed: bool = False, **given: Any
) -> DomainRule:
    """Decide about a domain.

    Args:
        ctx: the ports.
        moderator: who decides.
        domain: a domain name.
        allowed: allow it, on a closed network; otherwise ``given`` says what is not taken from it.
        given: fields of ``DomainRule``; None leaves the default.

    Raises:
        Invalid: the domain or a field is not valid, or there is a decision about it.
        Forbidden: the account is no moderator.
    """
    name, fields = normal_domain(domain), _checked(given)

    def change(tx: Transaction) -> DomainRule:
        require_moderator(tx, moderator)
        if tx.reports.rule_of(name, allowed=allowed) is not None:
            raise Invalid("Validation failed: Domain has already been taken")
        rule = DomainRule(
            id=tx.next_id(), domain=name, created_at=tx.now, allowed=allowed, **fields
        )
        tx.reports.put_rule(rule)
        return rule

    return await ctx.store.write(change)


async def revise(ctx: Context, *, moderator: int, rule_id: int, **given: Any) -> DomainRule:
    """Change what is not taken from a domain; None leaves a field as it is.

    Raises:
        Invalid: a field is not valid.
        NotFound: there is no such decision.
        Forbidden: the account is no moderator.
    """
    fields = _checked(given)

    def change(tx: Transaction) -> DomainRule:
        require_moderator(tx, moderator)
        rule = require_rule(tx, rule_id, allowed=False)
        after = structs.replace(rule, **fields)
        tx.reports.put_rule(after)
        return after

    return await ctx.store.write(change)


async def revoke(ctx: Context, *, moderator: int, rule_id: int, allowed: bool) -> DomainRule:
    """Forget what was decided about a domain, and return it.

    Raises:
        NotFound: there is no such decision.
        Forbidden: the account is no moderator.
    """

    def change(tx: Transaction) -> DomainRule:
        require_moderator(tx, moderator)
        rule = require_rule(tx, rule_id, allowed=allowed)
        tx.reports.delete_rule(rule_id)
        return rule

    return await ctx.store.write(change)


def require_rule(view: View, rule_id: int, *, allowed: bool) -> DomainRule:
    """Return a decision about a domain.

    Raises:
        NotFound: there is none with this id.
    """
    rule = view.reports.domain_rule(rule_id)
    if rule is None or rule.allowed != allowed:
        raise NotFound
    return rule
