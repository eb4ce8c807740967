-- Media: what accounts uploaded, the files it is kept in, and the previews of pages they link to.
ALTER TABLE statuses ADD COLUMN media TEXT;   -- JSON list of ids, in the order they are shown
CREATE INDEX statuses_with_media ON statuses (author, id) WHERE media IS NOT NULL;
CREATE INDEX statuses_public_media ON statuses (id) WHERE media IS NOT NULL AND visibility = 0;

CREATE TABLE media (
    owner  INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    bound  INTEGER NOT NULL,       -- 1: it belongs to a status, or to one that is scheduled
    since  INTEGER NOT NULL,       -- when that last changed
    data   TEXT NOT NULL,          -- JSON of Media
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE INDEX media_by_id ON media (id);
CREATE INDEX media_free ON media (since) WHERE bound = 0;

-- Whose the folder of files under a key is; one without an owner belongs to the server (previews of pages).
CREATE TABLE media_files (
    key        TEXT PRIMARY KEY,
    owner      INTEGER,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX media_files_by_owner ON media_files (owner);

-- Previews of linked pages, one for each address whoever links to it; 'data' is the JSON of Card.
CREATE TABLE cards (
    hash       BLOB PRIMARY KEY,   -- SHA-256 of the address
    fetched_at INTEGER NOT NULL,   -- 0: not yet
    data       TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX cards_fetched ON cards (fetched_at);

-- Which preview a status shows.
CREATE TABLE status_cards (
    status INTEGER PRIMARY KEY,
    hash   BLOB NOT NULL
);
CREATE INDEX status_cards_by_hash ON status_cards (hash);
