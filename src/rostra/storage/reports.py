"""Reports, and what is decided about other domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

import msgspec

from rostra.domain.pages import Page
from rostra.domain.reports import Category, DomainRule, Evidence, Report, Severity
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import chunked, marks, span

COLUMNS: Final = (
    "target, id, account, category, comment, statuses, rules, evidence, forwarded, created_at, "
    "updated_at, assigned, action_taken_at, action_taken_by"
)
RULE_COLUMNS: Final = (
    "domain, allowed, id, severity, reject_media, reject_reports, private_comment, "
    "public_comment, obfuscate, created_at"
)
_ids = msgspec.json.Decoder(tuple[int, ...])
_evidence = msgspec.json.Decoder(tuple[Evidence, ...])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _decode(row: tuple[Any, ...]) -> Report:
    return Report(
        target=row[0],
        id=row[1],
        account=row[2],
        category=Category(row[3]),
        comment=row[4],
        statuses=_ids.decode(row[5]),
        rules=_ids.decode(row[6]),
        evidence=_evidence.decode(row[7]),
        forwarded=bool(row[8]),
        created_at=row[9],
        updated_at=row[10],
        assigned=row[11],
        action_taken_at=row[12],
        action_taken_by=row[13],
    )


def _encode(report: Report) -> Params:
    return (
        report.target,
        report.id,
        report.account,
        report.category.value,
        report.comment,
        _json(report.statuses),
        _json(report.rules),
        _json(report.evidence),
        int(report.forwarded),
        report.created_at,
        report.updated_at,
        report.assigned,
        report.action_taken_at,
        report.action_taken_by,
    )


def _decode_rule(row: tuple[Any, ...]) -> DomainRule:
    return DomainRule(
        domain=row[0],
        allowed=bool(row[1]),
        id=row[2],
        severity=Severity(row[3]),
        reject_media=bool(row[4]),
        reject_reports=bool(row[5]),
        private_comment=row[6],
        public_comment=row[7],
        obfuscate=bool(row[8]),
        created_at=row[9],
    )


class ReportStore:
    """Reports as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, report_id: int) -> Report | None:
        """Return a report by its id."""
        row = self._database.row(f"SELECT {COLUMNS} FROM reports WHERE id = ?", (report_id,))
        return None if row is None else _decode(row)

    def page(
        self,
        *,
        resolved: bool | None = None,
        account: int | None = None,
        target: int | None = None,
        **page: Unpack[Page],
    ) -> list[Report]:
        """Return a page of reports, newest first.

        Args:
            resolved: only resolved ones, or only open ones; None for both.
            account: only those by this account.
            target: only those about this account.
            page: how many at most, between which ids.
        """
        sql, params, order = span("id", **page)
        for column, value in (("account", account), ("target", target)):
            if value is not None:
                sql += f" AND {column} = ?"
                params += (value,)
        if resolved is not None:
            sql += f" AND action_taken_at IS {'NOT ' if resolved else ''}NULL"
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM reports WHERE id >= 0{sql} ORDER BY id {order} LIMIT ?",
            (*params, page["limit"]),
        )
        found = [_decode(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def count_open(self) -> int:
        """Return how many reports wait for a moderator."""
        return int(
            self._database.value("SELECT COUNT(*) FROM reports WHERE action_taken_at IS NULL")
        )

    def counts_about(self, accounts: Sequence[int]) -> dict[int, int]:
        """Return how many reports there are about each of ``accounts``, where there are any."""
        found: dict[int, int] = {}
        for holes, lot in chunked(accounts):
            found.update(
                self._database.rows(
                    f"SELECT target, COUNT(*) FROM reports WHERE target IN ({holes}) "
                    "GROUP BY target",
                    lot,
                )
            )
        return found

    def count_by(self, account: int, *, since: int) -> int:
        """Return how many reports an account made with ids from ``since`` on."""
        return int(
            self._database.value(
                "SELECT COUNT(*) FROM reports WHERE account = ? AND id >= ?", (account, since)
            )
        )

    def domain_rule(self, rule_id: int) -> DomainRule | None:
        """Return what is decided about a domain by the id of the decision."""
        row = self._database.row(
            f"SELECT {RULE_COLUMNS} FROM domain_rules WHERE id = ?", (rule_id,)
        )
        return None if row is None else _decode_rule(row)

    def rule_of(self, domain: str, *, allowed: bool) -> DomainRule | None:
        """Return what is decided about a domain (lower case)."""
        row = self._database.row(
            f"SELECT {RULE_COLUMNS} FROM domain_rules WHERE domain = ? AND allowed = ?",
            (domain, int(allowed)),
        )
        return None if row is None else _decode_rule(row)

    def domain_rules(self, *, allowed: bool, **page: Unpack[Page]) -> list[DomainRule]:
        """Return a page of decisions about domains, newest first."""
        sql, params, order = span("id", **page)
        rows = self._database.rows(
            f"SELECT {RULE_COLUMNS} FROM domain_rules WHERE allowed = ?{sql} "
            f"ORDER BY id {order} LIMIT ?",
            (int(allowed), *params, page["limit"]),
        )
        found = [_decode_rule(row) for row in rows]
        return found if order == "DESC" else found[::-1]


class ReportStoreWriter(ReportStore):
    """Reports within a transaction."""

    def put(self, report: Report) -> None:
        """Add a report, or replace what is stored of it."""
        self._database.run(
            f"INSERT OR REPLACE INTO reports ({COLUMNS}) VALUES ({marks(range(14))})",
            _encode(report),
        )

    def put_rule(self, rule: DomainRule) -> None:
        """Add a decision about a domain, or replace the one there is."""
        row = (
            rule.domain,
            int(rule.allowed),
            rule.id,
            rule.severity.value,
            int(rule.reject_media),
            int(rule.reject_reports),
            rule.private_comment,
            rule.public_comment,
            int(rule.obfuscate),
            rule.created_at,
        )
        self._database.run(
            f"INSERT OR REPLACE INTO domain_rules ({RULE_COLUMNS}) VALUES ({marks(row)})", row
        )

    def delete_rule(self, rule_id: int) -> None:
        """Forget a decision about a domain."""
        self._database.run("DELETE FROM domain_rules WHERE id = ?", (rule_id,))
