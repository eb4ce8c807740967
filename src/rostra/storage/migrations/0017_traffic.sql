-- What was asked of this server: one row a minute for two hours, one an hour for 90 days.

CREATE TABLE traffic (
    span     INTEGER NOT NULL,       -- ms: 60000 or 3600000
    at       INTEGER NOT NULL,       -- when it began, ms since 1970
    requests INTEGER NOT NULL,
    busiest  INTEGER NOT NULL,       -- requests of its busiest minute
    readers  INTEGER NOT NULL,       -- the most askers within five minutes
    cpu_us   INTEGER NOT NULL,       -- what the workers took
    times    TEXT NOT NULL,          -- histogram of durations: a JSON list
    PRIMARY KEY (span, at)
) WITHOUT ROWID;
