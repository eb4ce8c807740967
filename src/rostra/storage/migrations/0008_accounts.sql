-- Accounts and their safety. Secrets are here as SHA-256 hashes, or encrypted with a key of the data folder.

-- How often a secret was tried: keys are keyed hashes of what was typed or where it came from.
CREATE TABLE tries (
    key     BLOB PRIMARY KEY,
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tries_forget ON tries (forget_at);

-- Accounts that exist and may not act, for another reason than enforcement: a row only while one holds.
CREATE TABLE standings (
    account        INTEGER PRIMARY KEY,
    unconfirmed_at INTEGER,    -- its address waits to be confirmed
    pending_at     INTEGER,    -- it waits to be approved
    deactivated_at INTEGER     -- its owner put it away
);
CREATE INDEX standings_pending ON standings (pending_at, account) WHERE pending_at IS NOT NULL;
CREATE INDEX standings_deactivated ON standings (deactivated_at) WHERE deactivated_at IS NOT NULL;

-- How an account came to be.
CREATE TABLE sign_ups (
    account       INTEGER PRIMARY KEY,
    application   INTEGER,
    address       TEXT NOT NULL DEFAULT '',
    locale        TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL
);

-- What a link in a mail is good for, once.
CREATE TABLE mail_tokens (
    account    INTEGER NOT NULL,
    purpose    INTEGER NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    email      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account, purpose, hash)
) WITHOUT ROWID;
CREATE INDEX mail_tokens_expire ON mail_tokens (expires_at);

-- An address an account wants instead of its own, until it is confirmed.
CREATE TABLE email_changes (
    account    INTEGER PRIMARY KEY,
    email      TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

-- Who may not sign up. Networks as text, as in 2001:db8::/32.
CREATE TABLE email_domain_blocks (
    id                  INTEGER PRIMARY KEY,
    domain              TEXT NOT NULL UNIQUE,
    allow_with_approval INTEGER NOT NULL DEFAULT 0,
    created_at          INTEGER NOT NULL
);
CREATE TABLE canonical_email_blocks (
    id         INTEGER PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,     -- SHA-256 of the address without dots and suffix, hexadecimal
    account    INTEGER,
    created_at INTEGER NOT NULL
);
CREATE TABLE ip_blocks (
    id         INTEGER PRIMARY KEY,
    network    TEXT NOT NULL UNIQUE,
    severity   TEXT NOT NULL,
    comment    TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    expires_at INTEGER
);

-- One-time passwords (RFC 6238); 'enabled_at' NULL: begun, not confirmed.
CREATE TABLE one_time_secrets (
    account    INTEGER PRIMARY KEY,
    secret     BLOB NOT NULL,            -- encrypted
    last_step  INTEGER NOT NULL DEFAULT 0,
    enabled_at INTEGER
);
CREATE TABLE recovery_codes (
    account INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;

-- Passkeys (WebAuthn). 'handle' is what a passkey knows its owner by.
CREATE TABLE passkey_owners (
    account INTEGER PRIMARY KEY,
    handle  BLOB NOT NULL UNIQUE
);
CREATE TABLE passkeys (
    account    INTEGER NOT NULL,
    id         BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    transports TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Sign-ins that wait for their second factor, and passkeys being made or used: one challenge each.
CREATE TABLE challenges (
    hash       BLOB PRIMARY KEY,
    account    INTEGER,
    purpose    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX challenges_expire ON challenges (expires_at);

-- Sessions as their owner is shown them.
ALTER TABLE web_sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;

-- A code used twice takes back what it was exchanged for (RFC 6749, section 4.1.2).
ALTER TABLE authorization_codes ADD COLUMN used_at INTEGER;
ALTER TABLE tokens ADD COLUMN code BLOB;
CREATE INDEX tokens_by_code ON tokens (code) WHERE code IS NOT NULL;
