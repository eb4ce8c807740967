-- What a notification is about beside a status: the enforcement action of a warning, a report, an account.
ALTER TABLE notifications ADD COLUMN event INTEGER;

-- What one account did that another is told of, so that what is held back can be told by who did it.
CREATE INDEX notifications_by_source ON notifications (account, source, id);

-- From whom an account wants to hear: 0 accept, 1 filter, 2 drop. No row: the default (domain/notifications.py).
CREATE TABLE notification_policies (
    account          INTEGER PRIMARY KEY,
    not_following    INTEGER NOT NULL,
    not_followers    INTEGER NOT NULL,
    new_accounts     INTEGER NOT NULL,
    private_mentions INTEGER NOT NULL,
    limited_accounts INTEGER NOT NULL
);

-- Groups of set members that were dismissed, up to a position. 'subject' is a status, or for follows a day.
CREATE TABLE notification_groups_dismissed (
    account INTEGER NOT NULL,
    type    INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    through INTEGER NOT NULL,
    PRIMARY KEY (account, type, subject)
) WITHOUT ROWID;

-- Requests that were dismissed: what 'source' did up to the id 'through' asks no more.
CREATE TABLE notification_requests_dismissed (
    account INTEGER NOT NULL,
    source  INTEGER NOT NULL,
    through INTEGER NOT NULL,
    PRIMARY KEY (account, source)
) WITHOUT ROWID;
