-- Statuses as people live with them: what they like and keep, edits, pins, conversations, quotes, and what is to be
-- published later.

-- The sets LIKES and BOOKMARKS from the other side: what an account likes (kind 8) and keeps (kind 10). The sets are the
-- truth; a row is written with its member, at the same position, or the next that is free.
CREATE TABLE collected (
    account  INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    position INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    PRIMARY KEY (account, kind, position)
) WITHOUT ROWID;

-- Sets that stood before this table was there are brought in by a job.
INSERT INTO jobs (name, payload, run_at)
    SELECT 'collect_again', '{}', 0
    WHERE EXISTS (SELECT 1 FROM journal WHERE kind IN (8, 10)) OR EXISTS (SELECT 1 FROM packed WHERE kind IN (8, 10));

-- The status a conversation begins with (it may be gone); NULL where that is the status itself.
ALTER TABLE statuses ADD COLUMN conversation INTEGER;
-- The status that is quoted, whether its author took that back (1), and who may quote this one (0: anybody, 1: followers,
-- 2: nobody).
ALTER TABLE statuses ADD COLUMN quote_of INTEGER;
ALTER TABLE statuses ADD COLUMN quote_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE statuses ADD COLUMN quote_policy INTEGER NOT NULL DEFAULT 0;
-- Who may quote what an account says, unless it says so each time.
ALTER TABLE accounts ADD COLUMN default_quote_policy TEXT NOT NULL DEFAULT 'public';

WITH RECURSIVE thread (id, root) AS (
    SELECT s.id, s.in_reply_to FROM statuses s
        WHERE s.in_reply_to IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM statuses p WHERE p.id = s.in_reply_to AND p.in_reply_to IS NOT NULL)
    UNION ALL
    SELECT s.id, thread.root FROM statuses s JOIN thread ON s.in_reply_to = thread.id
)
UPDATE statuses SET conversation = thread.root FROM thread WHERE thread.id = statuses.id;

CREATE INDEX statuses_quotes ON statuses (quote_of, id) WHERE quote_of IS NOT NULL;
CREATE INDEX statuses_direct ON statuses (COALESCE(conversation, id), id) WHERE visibility = 3;

-- Every version of a status that was edited, the first included: JSON of StatusEdit.
CREATE TABLE status_edits (
    status  INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (status, number)
) WITHOUT ROWID;

-- What an account shows first on its profile.
CREATE TABLE pins (
    account   INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (account, status)
) WITHOUT ROWID;

-- Statuses to be published later: 'draft' is JSON of the draft; 'held' 1 when it was due and could not be published.
CREATE TABLE scheduled_statuses (
    account INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    draft   TEXT NOT NULL,
    held    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Conversations of direct statuses, one row for each account in one; 'last' is the newest status in it.
CREATE TABLE conversations (
    account INTEGER NOT NULL,
    root    INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    unread  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, root)
) WITHOUT ROWID;
CREATE INDEX conversations_by_last ON conversations (account, last);

INSERT INTO conversations (account, root, last)
    SELECT account, root, MAX(id) FROM (
        SELECT author AS account, COALESCE(conversation, id) AS root, id FROM statuses WHERE visibility = 3
        UNION ALL
        SELECT m.account, COALESCE(s.conversation, s.id), s.id
            FROM statuses s JOIN mentions m ON m.status = s.id WHERE s.visibility = 3
    ) AS said GROUP BY account, root;
