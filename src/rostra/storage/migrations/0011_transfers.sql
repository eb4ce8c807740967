-- What people bring along from elsewhere, and take away.

-- One row an import or export that somebody asked for. 'place' is how far it has come.
CREATE TABLE transfers (
    account     INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    name        TEXT NOT NULL DEFAULT '',      -- of the file, as its owner calls it
    file        TEXT NOT NULL DEFAULT '',      -- the key it is kept under
    overwrite   INTEGER NOT NULL DEFAULT 0,
    replies     INTEGER NOT NULL DEFAULT 0,
    visibility  INTEGER NOT NULL DEFAULT 0,
    total       INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    place       INTEGER NOT NULL DEFAULT 0,
    error       TEXT NOT NULL DEFAULT '',
    finished_at INTEGER,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- The lines of a file that is brought in, until they are done; with a reason: what could not be.
CREATE TABLE transfer_lines (
    transfer INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    data     TEXT NOT NULL,
    reason   TEXT,
    PRIMARY KEY (transfer, line)
) WITHOUT ROWID;

-- Statuses that were brought along, by where they come from: none is brought twice.
CREATE TABLE brought_statuses (
    author    INTEGER NOT NULL,
    source    TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    PRIMARY KEY (author, source, source_id)
) WITHOUT ROWID;
-- Who says to have been whom elsewhere, and with whom they were tied there: nothing is done by it
-- but to show people those they may know.
CREATE TABLE brought_accounts (
    source    TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    account   INTEGER NOT NULL,
    PRIMARY KEY (source, source_id, account)
) WITHOUT ROWID;

CREATE TABLE brought_ties (
    account   INTEGER NOT NULL,
    source    TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    followed  INTEGER NOT NULL,
    PRIMARY KEY (account, source, source_id, followed)
) WITHOUT ROWID;

CREATE INDEX brought_by_source ON brought_statuses (source, source_id);
CREATE INDEX brought_by_status ON brought_statuses (status);
