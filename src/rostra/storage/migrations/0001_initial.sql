-- The first layout. Each table's distribution column (the owner's ordinal or id) comes first in its
-- primary key, so that the same tables can be spread over many machines. Times: ms since 1970.

-- One row a setting of the data folder itself: 'folder_id', 'next_ordinal', 'secret', ...
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- The change feed: one row a commit. 'last_id' is the highest snowflake given out so far.
CREATE TABLE feed (
    seq     INTEGER PRIMARY KEY,
    last_id INTEGER NOT NULL,
    events  BLOB NOT NULL
);

-- Account sets. The journal is the truth of what is not packed yet; formats in domain/account_set.py.
CREATE TABLE journal (
    owner   INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (owner, kind, seq)
) WITHOUT ROWID;

-- A small set is here, members and all; a large one has its header here. A record is cut into parts that fit a
-- page of the tree beside others (a set of up to about 250 members is one row): longer rows would each end in an
-- overflow page of their own, most of it empty.
CREATE TABLE packed (
    owner INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    data  BLOB NOT NULL,
    PRIMARY KEY (owner, kind, part)
) WITHOUT ROWID;

-- The members of a large set in order of their positions, 'first' being the lowest of the segment.
CREATE TABLE segments (
    owner INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    first INTEGER NOT NULL,
    data  BLOB NOT NULL,
    PRIMARY KEY (owner, kind, first)
);

-- The members of a large set as roaring bitmaps of 65,536 ordinals each.
CREATE TABLE chunks (
    owner INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    data  BLOB NOT NULL,
    PRIMARY KEY (owner, kind, chunk)
);

CREATE TABLE accounts (
    ordinal            INTEGER PRIMARY KEY,
    id                 INTEGER NOT NULL UNIQUE,
    username           TEXT NOT NULL,
    username_key       TEXT NOT NULL UNIQUE,   -- lower case
    display_name       TEXT NOT NULL DEFAULT '',
    note               TEXT NOT NULL DEFAULT '',
    fields             TEXT NOT NULL DEFAULT '[]',
    avatar             TEXT NOT NULL DEFAULT '',
    header             TEXT NOT NULL DEFAULT '',
    locked             INTEGER NOT NULL DEFAULT 0,
    bot                INTEGER NOT NULL DEFAULT 0,
    discoverable       INTEGER NOT NULL DEFAULT 1,
    indexable          INTEGER NOT NULL DEFAULT 0,
    hide_collections   INTEGER NOT NULL DEFAULT 0,
    role               INTEGER NOT NULL DEFAULT 0,
    default_visibility TEXT NOT NULL DEFAULT 'public',
    default_sensitive  INTEGER NOT NULL DEFAULT 0,
    default_language   TEXT,
    created_at         INTEGER NOT NULL
);

CREATE TABLE credentials (
    ordinal       INTEGER PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL
);

-- Private notes on accounts, and follow and mute options where they are not the default.
CREATE TABLE relationship_options (
    account INTEGER NOT NULL,
    target  INTEGER NOT NULL,
    follow  TEXT,          -- JSON of FollowOptions
    mute    TEXT,          -- JSON of MuteOptions
    note    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, target)
) WITHOUT ROWID;

-- Who asked to be told of each status of an account.
CREATE INDEX relationship_options_bells ON relationship_options (target, account)
    WHERE follow IS NOT NULL;

-- A dormant follower of a locked account came back: followers-only statuses of that time stay hidden.
CREATE TABLE veils (
    follower INTEGER NOT NULL,
    author   INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (follower, author, since)
) WITHOUT ROWID;

CREATE TABLE statuses (
    id                 INTEGER PRIMARY KEY,
    author             INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    visibility         INTEGER NOT NULL DEFAULT 0,
    text               TEXT NOT NULL DEFAULT '',
    content            TEXT NOT NULL DEFAULT '',
    spoiler_text       TEXT NOT NULL DEFAULT '',
    sensitive          INTEGER NOT NULL DEFAULT 0,
    language           TEXT,
    in_reply_to        INTEGER,
    in_reply_to_author INTEGER,
    reblog_of          INTEGER,
    mentions           TEXT,      -- JSON list of ordinals
    tags               TEXT,      -- JSON list of names, lower case
    poll               TEXT,      -- JSON of Poll
    application        INTEGER,
    edited_at          INTEGER
);
CREATE INDEX statuses_by_author ON statuses (author, id);
CREATE INDEX statuses_replies ON statuses (in_reply_to, id) WHERE in_reply_to IS NOT NULL;
CREATE INDEX statuses_boosts ON statuses (reblog_of, author) WHERE reblog_of IS NOT NULL;
CREATE INDEX statuses_polls ON statuses (id) WHERE poll IS NOT NULL;

CREATE TABLE status_tags (
    tag    TEXT NOT NULL,
    status INTEGER NOT NULL,
    author INTEGER NOT NULL,
    PRIMARY KEY (tag, status)
) WITHOUT ROWID;

-- Who is mentioned where: opens direct and followers-only statuses to them.
CREATE TABLE mentions (
    account INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    PRIMARY KEY (account, status)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    account    INTEGER NOT NULL,
    key        TEXT NOT NULL,
    status     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;

-- Stored notifications: mentions, ended polls, new statuses of accounts followed with a bell, warnings.
CREATE TABLE notifications (
    account    INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    type       INTEGER NOT NULL,
    source     INTEGER NOT NULL,
    status     INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX notifications_by_status ON notifications (status) WHERE status IS NOT NULL;

-- For notifications that are set members: which sets of an account have any, newest position first.
CREATE TABLE notification_groups (
    account INTEGER NOT NULL,
    type    INTEGER NOT NULL,
    subject INTEGER NOT NULL,      -- status id, or 0 where the set is the account's own
    latest  INTEGER NOT NULL,      -- highest position in the set
    PRIMARY KEY (account, type, subject)
) WITHOUT ROWID;
CREATE INDEX notification_groups_latest ON notification_groups (account, latest);

CREATE TABLE notifications_dismissed (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,      -- 0: everything up to 'through'
    through INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Enforcement: append only. What is in force is the fold over these (domain/enforcement.py).
CREATE TABLE actions (
    account   INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    ground    TEXT NOT NULL,
    text      TEXT NOT NULL DEFAULT '',
    moderator INTEGER,
    taken_at  INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    until     INTEGER,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX actions_by_id ON actions (id);
-- Actions the clock will begin or end: few, so that opening the store reads only these.
CREATE INDEX actions_timed ON actions (account) WHERE until IS NOT NULL OR starts_at > taken_at;

CREATE TABLE liftings (
    account   INTEGER NOT NULL,
    action    INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    moderator INTEGER,
    lifted_at INTEGER NOT NULL,
    PRIMARY KEY (account, action)
) WITHOUT ROWID;

-- OAuth 2 (RFC 6749) and the sessions of the pages. Only SHA-256 hashes of secrets are stored.
CREATE TABLE applications (
    id            INTEGER PRIMARY KEY,
    client_id     TEXT NOT NULL UNIQUE,
    client_secret BLOB NOT NULL,
    name          TEXT NOT NULL,
    website       TEXT,
    redirect_uris TEXT NOT NULL,   -- JSON list
    scopes        TEXT NOT NULL,
    created_at    INTEGER NOT NULL
);

CREATE TABLE authorization_codes (
    hash           BLOB PRIMARY KEY,
    account        INTEGER NOT NULL,
    application    INTEGER NOT NULL,
    redirect_uri   TEXT NOT NULL,
    scopes         TEXT NOT NULL,
    code_challenge TEXT,
    expires_at     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
    hash        BLOB PRIMARY KEY,
    account     INTEGER,           -- NULL: the application itself (client credentials)
    application INTEGER,
    scopes      TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_by_account ON tokens (account);

CREATE TABLE web_sessions (
    hash       BLOB PRIMARY KEY,
    account    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX web_sessions_by_account ON web_sessions (account);

-- Jobs: one row each, taken by the job runner when due.
CREATE TABLE jobs (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    payload  TEXT NOT NULL DEFAULT '{}',
    run_at   INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error    TEXT
);
CREATE INDEX jobs_due ON jobs (run_at, id);

-- How far a resumable piece of long work (an import) has come.
CREATE TABLE progress (
    work  TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;
