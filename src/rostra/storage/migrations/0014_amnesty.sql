-- Amnesties: the actions of many accounts lifted in waves; and the labels their selectors ask for.

-- 'data' is the Amnesty as JSON (domain/amnesty.py).
CREATE TABLE amnesties (
    id         INTEGER PRIMARY KEY,
    state      TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    data       TEXT NOT NULL
);
CREATE INDEX amnesties_by_state ON amnesties (state, id);

-- The accounts of an amnesty in the order of its manifest, and what became of each.
CREATE TABLE amnesty_accounts (
    amnesty            INTEGER NOT NULL,
    n                  INTEGER NOT NULL,
    account            INTEGER NOT NULL,
    wave               INTEGER NOT NULL,
    actions            TEXT NOT NULL,              -- JSON list of the ids to lift
    then_followers     INTEGER NOT NULL,
    then_following     INTEGER NOT NULL,
    finally_followers  INTEGER NOT NULL,
    finally_following  INTEGER NOT NULL,
    outcome            TEXT NOT NULL DEFAULT 'pending',
    why                TEXT NOT NULL DEFAULT '',
    at                 INTEGER,
    PRIMARY KEY (amnesty, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX amnesty_accounts_by_account ON amnesty_accounts (account, amnesty);
CREATE INDEX amnesty_accounts_by_outcome ON amnesty_accounts (amnesty, outcome, wave, n);

CREATE TABLE account_labels (
    account   INTEGER NOT NULL,
    name      TEXT NOT NULL,
    moderator INTEGER,
    given_at  INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE INDEX account_labels_by_name ON account_labels (name, account);
