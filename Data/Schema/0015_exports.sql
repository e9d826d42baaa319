-- min_compatible = 3
-- Where exports go: a bucket or a directory.
CREATE TABLE storage_credentials (
    id         text NOT NULL CONSTRAINT pk_storage_credentials PRIMARY KEY,
    name       text NOT NULL,
    settings   jsonb NOT NULL,
    secret     text,
    created_by text NOT NULL,
    revision   bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- A directory of the silos, for installations without object storage.
INSERT INTO storage_credentials (id, name, settings, created_by, revision, created_at, updated_at)
VALUES ('default', 'Directory of the silo', '{"kind": "directory"}', 'bootstrap', 1, now(), now());

CREATE TABLE scheduled_audit_log_exports (
    id             text NOT NULL CONSTRAINT pk_scheduled_audit_log_exports PRIMARY KEY,
    name           text NOT NULL,
    storage_id     text NOT NULL,
    period         text NOT NULL,
    filters        jsonb NOT NULL,
    key_prefix     text NOT NULL,
    include_bodies boolean NOT NULL,
    enabled        boolean NOT NULL,
    created_by     text NOT NULL,
    next_from      timestamptz NOT NULL,
    revision       bigint NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);

CREATE TABLE audit_log_exports (
    id             text NOT NULL CONSTRAINT pk_audit_log_exports PRIMARY KEY,
    name           text NOT NULL,
    storage_id     text NOT NULL,
    schedule_id    text,
    filters        jsonb NOT NULL,
    key_prefix     text NOT NULL,
    include_bodies boolean NOT NULL,
    start_time     timestamptz NOT NULL,
    end_time       timestamptz NOT NULL,
    state          text NOT NULL,
    error          text,
    attempts       integer NOT NULL,
    total_rows     bigint NOT NULL,
    exported_rows  bigint NOT NULL,
    exported_bytes bigint NOT NULL,
    objects        text[] NOT NULL,
    last_at        timestamptz,
    last_id        uuid,
    created_by     text NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    completed_at   timestamptz
);
CREATE INDEX ix_audit_log_exports_created_at_id ON audit_log_exports (created_at, id);
