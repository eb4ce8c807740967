-- What the server's own probes ask with: tokens of sampled accounts for a few minutes. They are no
-- rows of 'tokens', so that nobody finds them among the apps they use.

CREATE TABLE probe_tokens (
    account    INTEGER NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    expires_at INTEGER NOT NULL,     -- ms since 1970
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;
CREATE INDEX probe_tokens_expire ON probe_tokens (expires_at);
