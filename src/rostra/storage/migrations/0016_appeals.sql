-- Appeals of accounts against actions, and what was decided about them.

-- 'action' is the decision: an action that restores another is appealed as the one it restores.
-- 'evidence' is what the appeal is decided on, as it was when it was opened; 'history' what happened.
CREATE TABLE appeals (
    account         INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    action          INTEGER NOT NULL,
    text            TEXT NOT NULL,
    opened_at       INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    state           TEXT NOT NULL,
    decided_at      INTEGER,
    decided_by      INTEGER,
    reply           TEXT NOT NULL DEFAULT '',
    plan            TEXT NOT NULL DEFAULT '',     -- the hash of the reinstatement that was planned
    again           INTEGER NOT NULL DEFAULT 0,
    evidence        TEXT NOT NULL,                -- JSON of Evidence
    history         TEXT NOT NULL DEFAULT '[]',   -- JSON list of Step
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX appeals_by_id ON appeals (id);
CREATE UNIQUE INDEX appeals_one_open ON appeals (account, action) WHERE state = 'open';
CREATE INDEX appeals_open ON appeals (due_at) WHERE state = 'open';
