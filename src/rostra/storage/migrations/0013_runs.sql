-- Reinstatements of single accounts, as they went.

-- 'data' is the Run as JSON (domain/reinstatement.py).
CREATE TABLE runs (
    account     INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    state       TEXT NOT NULL,
    begun_at    INTEGER NOT NULL,
    finished_at INTEGER,
    data        TEXT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX runs_by_id ON runs (id);
-- Nobody begins a second one for an account while one is not finished.
CREATE UNIQUE INDEX runs_unfinished ON runs (account) WHERE finished_at IS NULL;

CREATE TABLE run_probes (
    run     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    step    TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    name    TEXT NOT NULL,
    worker  TEXT NOT NULL,
    passed  INTEGER NOT NULL,
    said    TEXT NOT NULL,
    took_ms REAL NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
