-- What an account arranges for itself: lists, filters, hashtags it follows or features, read markers, preferences,
-- domains it blocks. Each table's key begins with the account's ordinal; ids are snowflakes.

-- Who is in a list is the account set LIST_MEMBERS of the list's id.
CREATE TABLE lists (
    account   INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    title     TEXT NOT NULL,
    replies   INTEGER NOT NULL,    -- domain.lists.RepliesPolicy
    exclusive INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX lists_exclusive ON lists (account, id) WHERE exclusive = 1;

CREATE TABLE filters (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    data    TEXT NOT NULL,         -- JSON of domain.filters.Filter
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- The number of each hashtag that anybody follows; who follows it is the account set TAG_FOLLOWERS of that number.
CREATE TABLE hashtags (
    name TEXT PRIMARY KEY,
    id   INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE followed_tags (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,      -- of the follow, by which pages are read
    tag     TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, tag)
) WITHOUT ROWID;

CREATE TABLE featured_tags (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    tag     TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, tag)
) WITHOUT ROWID;

-- How often an author used a hashtag, and when last.
CREATE INDEX status_tags_by_author ON status_tags (author, tag, status);

CREATE TABLE markers (
    account    INTEGER NOT NULL,
    timeline   TEXT NOT NULL,
    last_read  INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, timeline)
) WITHOUT ROWID;

CREATE TABLE preferences (
    account INTEGER PRIMARY KEY,
    data    TEXT NOT NULL          -- JSON of domain.personal.Preferences
);

CREATE TABLE user_domain_blocks (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    domain  TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, domain)
) WITHOUT ROWID;
