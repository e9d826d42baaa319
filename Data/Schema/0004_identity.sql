-- min_compatible = 1
ALTER TABLE users
    ADD COLUMN kind         text NOT NULL DEFAULT 'Person',
    ADD COLUMN email        bytea,
    ADD COLUMN email_index  bytea,
    ADD COLUMN auditor      boolean NOT NULL DEFAULT false,
    ADD COLUMN disabled_at  timestamptz,
    ADD COLUMN last_seen_at timestamptz;
CREATE INDEX ix_users_email_index ON users (email_index);
CREATE INDEX ix_users_created_at_id ON users (created_at, id);
UPDATE users SET kind = 'System' WHERE id = 'bootstrap';

CREATE TABLE auth_providers (
    id         text NOT NULL CONSTRAINT pk_auth_providers PRIMARY KEY,
    kind       text NOT NULL,
    name       text NOT NULL,
    enabled    boolean NOT NULL,
    settings   jsonb NOT NULL,
    secret     bytea,
    revision   bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE user_identities (
    provider_id     text NOT NULL,
    subject         text NOT NULL,
    user_id         text NOT NULL CONSTRAINT fk_user_identities_users_user_id REFERENCES users (id) ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    last_sign_in_at timestamptz NOT NULL,
    CONSTRAINT pk_user_identities PRIMARY KEY (provider_id, subject)
);
CREATE INDEX ix_user_identities_user_id ON user_identities (user_id);

CREATE TABLE local_accounts (
    user_id       text NOT NULL CONSTRAINT pk_local_accounts PRIMARY KEY CONSTRAINT fk_local_accounts_users_user_id REFERENCES users (id) ON DELETE CASCADE,
    user_name     text NOT NULL,
    password_hash text NOT NULL,
    failures      integer NOT NULL,
    locked_until  timestamptz,
    changed_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX ix_local_accounts_user_name ON local_accounts (user_name);

-- provider_id is empty for groups that administrators keep by hand.
CREATE TABLE groups (
    id          text NOT NULL CONSTRAINT pk_groups PRIMARY KEY,
    provider_id text NOT NULL,
    external_id text NOT NULL,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX ix_groups_provider_id_external_id ON groups (provider_id, external_id);

CREATE TABLE group_members (
    group_id text NOT NULL CONSTRAINT fk_group_members_groups_group_id REFERENCES groups (id) ON DELETE CASCADE,
    user_id  text NOT NULL CONSTRAINT fk_group_members_users_user_id REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT pk_group_members PRIMARY KEY (group_id, user_id)
);
CREATE INDEX ix_group_members_user_id ON group_members (user_id);

-- The index of IUserSessionGrain: who has which sessions.
CREATE TABLE user_sessions (
    id           text NOT NULL CONSTRAINT pk_user_sessions PRIMARY KEY,
    user_id      text NOT NULL CONSTRAINT fk_user_sessions_users_user_id REFERENCES users (id) ON DELETE CASCADE,
    provider_id  text NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    user_agent   text NOT NULL,
    client_ip    text NOT NULL
);
CREATE INDEX ix_user_sessions_user_id_created_at ON user_sessions (user_id, created_at);
CREATE INDEX ix_user_sessions_expires_at ON user_sessions (expires_at);

-- What administrators set while the platform runs; a missing row is the default.
CREATE TABLE settings (
    key        text NOT NULL CONSTRAINT pk_settings PRIMARY KEY,
    value      jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
