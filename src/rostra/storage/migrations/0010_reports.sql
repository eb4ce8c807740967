-- Reports by people, and what the server's owners decide about other domains.

-- 'evidence' is what the reported statuses said when they were reported: it stays when they go.
CREATE TABLE reports (
    target          INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    account         INTEGER NOT NULL,
    category        TEXT NOT NULL,
    comment         TEXT NOT NULL DEFAULT '',
    statuses        TEXT NOT NULL DEFAULT '[]',   -- JSON list of ids
    rules           TEXT NOT NULL DEFAULT '[]',   -- JSON list of ids
    evidence        TEXT NOT NULL DEFAULT '[]',   -- JSON list of Evidence
    forwarded       INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    assigned        INTEGER,
    action_taken_at INTEGER,
    action_taken_by INTEGER,
    PRIMARY KEY (target, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX reports_by_id ON reports (id);
CREATE INDEX reports_by_account ON reports (account, id);
CREATE INDEX reports_open ON reports (id) WHERE action_taken_at IS NULL;
CREATE INDEX reports_resolved ON reports (action_taken_at) WHERE action_taken_at IS NOT NULL;

-- 'allowed' rows name domains of a closed network; the others say what is not taken from a domain.
CREATE TABLE domain_rules (
    domain          TEXT NOT NULL,
    allowed         INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    severity        TEXT NOT NULL DEFAULT 'silence',
    reject_media    INTEGER NOT NULL DEFAULT 0,
    reject_reports  INTEGER NOT NULL DEFAULT 0,
    private_comment TEXT,
    public_comment  TEXT,
    obfuscate       INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (domain, allowed)
) WITHOUT ROWID;
CREATE UNIQUE INDEX domain_rules_by_id ON domain_rules (id);
