-- Finding things: words, trends, announcements, emojis, and what the server says about itself.

-- The words of statuses (rowid: the id) and of accounts (rowid: the ordinal), without the text itself. 'facts' holds what
-- a search can ask for beside words, as one word each: a17 (author), m17 (mentioned), v0 (visibility), haspoll, langde.
-- Letters of scripts without spaces between words are words of their own (domain/searching.py).
CREATE VIRTUAL TABLE status_words USING fts5 (
    words, facts, content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE VIRTUAL TABLE account_words USING fts5 (
    words, content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);

-- What stood before these tables were there is brought in by a job.
INSERT INTO jobs (name, payload, run_at)
    SELECT 'index_words', '{}', 0 WHERE EXISTS (SELECT 1 FROM statuses) OR EXISTS (SELECT 1 FROM accounts);

-- What trends, most of it first, as the last count left it: 'kind' is of TrendKind, 'subject' a hashtag, a status id or an
-- address, 'accounts' a roaring bitmap of those it was counted from.
CREATE TABLE trends (
    kind        INTEGER NOT NULL,
    subject     TEXT NOT NULL,
    score       REAL NOT NULL,
    peak        REAL NOT NULL,
    peak_at     INTEGER NOT NULL,
    counted_at  INTEGER NOT NULL,
    accounts    BLOB NOT NULL,
    data        TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;

-- What moderators said of a hashtag, status or address: whether it may trend.
CREATE TABLE trend_reviews (
    kind     INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    allowed  INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;

-- Who came back lately: what trended before has to earn it anew.
CREATE INDEX liftings_by_time ON liftings (lifted_at);

-- The accounts most followed here, as the last count left them.
CREATE TABLE most_followed (
    rank    INTEGER PRIMARY KEY,
    account INTEGER NOT NULL
);

CREATE TABLE announcements (
    id           INTEGER PRIMARY KEY,
    text         TEXT NOT NULL,
    starts_at    INTEGER,
    ends_at      INTEGER,
    all_day      INTEGER NOT NULL DEFAULT 0,
    published_at INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
);

-- The reactions to an announcement in order of their first use; who reacted so is the set REACTED of 'id'.
CREATE TABLE announcement_reactions (
    announcement INTEGER NOT NULL,
    name         TEXT NOT NULL,
    id           INTEGER NOT NULL,
    PRIMARY KEY (announcement, name)
) WITHOUT ROWID;

CREATE TABLE custom_emojis (
    shortcode  TEXT PRIMARY KEY,
    category   TEXT,
    visible    INTEGER NOT NULL DEFAULT 1,
    type       TEXT NOT NULL,
    tag        TEXT NOT NULL,      -- of the file: a hash of what it holds
    still_tag  TEXT NOT NULL,
    file       BLOB NOT NULL,
    still      BLOB,               -- the first frame of one that moves, as PNG
    created_at INTEGER NOT NULL
);

CREATE TABLE rules (
    id       INTEGER PRIMARY KEY,
    text     TEXT NOT NULL,
    hint     TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0
);

-- What the server says of itself: 'extended_description', 'privacy_policy', 'terms_of_service'; as typed.
CREATE TABLE server_texts (
    name       TEXT PRIMARY KEY,
    text       TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
