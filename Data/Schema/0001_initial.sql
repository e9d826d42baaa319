-- min_compatible = 1
CREATE TABLE users (
    id         text NOT NULL CONSTRAINT pk_users PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE mcp_servers (
    id         text NOT NULL CONSTRAINT pk_mcp_servers PRIMARY KEY,
    owner_id   text NOT NULL,
    name       text NOT NULL,
    manifest   jsonb NOT NULL,
    revision   bigint NOT NULL,
    per_user   boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_mcp_servers_owner_id_created_at ON mcp_servers (owner_id, created_at);

CREATE TABLE mcp_server_values (
    instance   text NOT NULL CONSTRAINT pk_mcp_server_values PRIMARY KEY,
    server_id  text NOT NULL CONSTRAINT fk_mcp_server_values_mcp_servers_server_id REFERENCES mcp_servers (id) ON DELETE CASCADE,
    values     text NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_mcp_server_values_server_id ON mcp_server_values (server_id);

CREATE TABLE api_keys (
    id           text NOT NULL CONSTRAINT pk_api_keys PRIMARY KEY,
    user_id      text NOT NULL,
    name         text NOT NULL,
    prefix       text NOT NULL,
    hash         bytea NOT NULL,
    scopes       text[] NOT NULL,
    server_ids   text[],
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE UNIQUE INDEX ix_api_keys_hash ON api_keys (hash);
CREATE INDEX ix_api_keys_user_id_created_at ON api_keys (user_id, created_at);

CREATE TABLE cluster_keys (
    id         text NOT NULL CONSTRAINT pk_cluster_keys PRIMARY KEY,
    purpose    text NOT NULL,
    material   bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);

CREATE TABLE security_events (
    revision bigint NOT NULL CONSTRAINT pk_security_events PRIMARY KEY,
    kind     text NOT NULL,
    subject  text NOT NULL,
    at       timestamptz NOT NULL
);

-- One row: its lock makes revisions appear in commit order.
CREATE TABLE security_head (
    singleton boolean NOT NULL DEFAULT true CONSTRAINT pk_security_head PRIMARY KEY CONSTRAINT ck_security_head_single CHECK (singleton),
    revision  bigint NOT NULL
);
INSERT INTO security_head (revision) VALUES (0);

CREATE TABLE data_protection_keys (
    id  text NOT NULL CONSTRAINT pk_data_protection_keys PRIMARY KEY,
    xml text NOT NULL
);

CREATE TABLE sign_in_codes (
    hash       bytea NOT NULL CONSTRAINT pk_sign_in_codes PRIMARY KEY,
    user_id    text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The owner behind the bootstrap token and the one-time link.
INSERT INTO users (id, name, role, created_at) VALUES ('bootstrap', 'Owner', 'Owner', now());
