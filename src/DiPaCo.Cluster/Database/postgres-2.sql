-- Runs: who may write a run's journal, and the journals.

CREATE TABLE dipaco_run
(
    name text PRIMARY KEY,
    -- Number of the newest writer. It only grows, also over deletions: an older one can never append again.
    epoch bigint NOT NULL DEFAULT 1,
    -- How often the journal was written anew, so that a reader of its end knows whether it must begin again.
    rewritten bigint NOT NULL DEFAULT 0,
    is_deleted boolean NOT NULL DEFAULT false
);

CREATE TABLE dipaco_journal
(
    run text NOT NULL REFERENCES dipaco_run,
    -- 0: the first line of the file, which names the format.
    number bigint NOT NULL,
    line bytea NOT NULL,
    PRIMARY KEY (run, number)
);

-- The door: what all silos have in common, so that one invitation opens each of them.

CREATE TABLE dipaco_token
(
    id text PRIMARY KEY,
    hash text NOT NULL,
    role text NOT NULL,
    expires timestamptz NOT NULL
);

CREATE TABLE dipaco_certificate
(
    number integer PRIMARY KEY CHECK (number = 1),
    pkcs12 bytea NOT NULL
);

CREATE TABLE dipaco_door
(
    address text PRIMARY KEY,
    silo text NOT NULL,
    certificate text NOT NULL,
    opened timestamptz NOT NULL DEFAULT now()
);
