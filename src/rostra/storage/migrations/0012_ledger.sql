-- The ledger: every decision about accounts, in one chain. 'content' is what was decided, as canonical
-- JSON; 'hash' seals it together with the hash of the entry before (domain/ledger.py). There is one
-- chain a server, so its number is its key: what is sealed into one order cannot be distributed.
CREATE TABLE ledger (
    number    INTEGER PRIMARY KEY,   -- from 1, without gaps
    account   INTEGER,               -- the account it is about; none: the server as a whole
    moderator INTEGER,               -- who decided; none: the server itself
    content   TEXT NOT NULL,
    hash      BLOB NOT NULL
);
CREATE INDEX ledger_by_account ON ledger (account, number) WHERE account IS NOT NULL;

-- What is written stays as it is, whatever a later version of the code has wrong.
CREATE TRIGGER ledger_is_kept BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_whole BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
