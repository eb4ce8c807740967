-- Reinstatements and amnesties that are left to public polls, and what these came to.

-- 'data' is the Decision as JSON (domain/decision_polls.py).
CREATE TABLE decisions (
    id          INTEGER PRIMARY KEY,
    poll        INTEGER NOT NULL,
    author      INTEGER NOT NULL,
    account     INTEGER,
    amnesty     INTEGER,
    state       TEXT NOT NULL,
    data        TEXT NOT NULL
);
CREATE UNIQUE INDEX decisions_by_poll ON decisions (poll) WHERE state != 'unbound';
CREATE UNIQUE INDEX decisions_one_open_account ON decisions (account)
    WHERE account IS NOT NULL AND state = 'open';
CREATE UNIQUE INDEX decisions_one_open_amnesty ON decisions (amnesty)
    WHERE amnesty IS NOT NULL AND state = 'open';
CREATE INDEX decisions_by_account ON decisions (account, id) WHERE account IS NOT NULL;
CREATE INDEX decisions_by_amnesty ON decisions (amnesty, id) WHERE amnesty IS NOT NULL;
CREATE INDEX decisions_open_by_author ON decisions (author) WHERE state = 'open';
