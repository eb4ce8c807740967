-- Web Push (RFC 8030): where apps want to hear of notifications, one a token. 'access' is the token itself, which
-- Mastodon's payloads carry, encrypted with a key of the data folder; 'through' is the newest notification pushed.
CREATE TABLE push_subscriptions (
    account       INTEGER NOT NULL,
    id            INTEGER NOT NULL,
    token         BLOB NOT NULL UNIQUE,
    endpoint      TEXT NOT NULL,
    p256dh        BLOB NOT NULL,
    auth          BLOB NOT NULL,
    access        BLOB NOT NULL,
    standard      INTEGER NOT NULL,
    policy        INTEGER NOT NULL,
    alerts        TEXT NOT NULL,      -- names of types, separated by spaces
    through       INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER NOT NULL DEFAULT 0,   -- 0: it does not fail
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
