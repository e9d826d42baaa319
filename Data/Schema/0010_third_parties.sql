-- min_compatible = 3
-- OAuth clients that we are at third parties, for one server each.
CREATE TABLE third_party_clients (
    server_id     text NOT NULL CONSTRAINT fk_third_party_clients_mcp_servers_server_id REFERENCES mcp_servers (id) ON DELETE CASCADE,
    kind          text NOT NULL,
    issuer        text,
    client_id     text NOT NULL,
    client_secret bytea,
    auth_method   text,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    CONSTRAINT pk_third_party_clients PRIMARY KEY (server_id, kind)
);

-- Who has an account connected; the tokens themselves are state of grains. No foreign key to users: whoever removes one disconnects first.
CREATE TABLE third_party_connections (
    server_id    text NOT NULL CONSTRAINT fk_third_party_connections_mcp_servers_server_id REFERENCES mcp_servers (id) ON DELETE CASCADE,
    user_id      text NOT NULL,
    issuer       text NOT NULL,
    connected_at timestamptz NOT NULL,
    CONSTRAINT pk_third_party_connections PRIMARY KEY (server_id, user_id)
);
CREATE INDEX ix_third_party_connections_user_id ON third_party_connections (user_id);

-- Servers that are known to want an account, for the revision of the manifest that was asked.
CREATE TABLE third_party_servers (
    server_id         text NOT NULL CONSTRAINT pk_third_party_servers PRIMARY KEY
                      CONSTRAINT fk_third_party_servers_mcp_servers_server_id REFERENCES mcp_servers (id) ON DELETE CASCADE,
    manifest_revision bigint NOT NULL,
    wants_account     boolean NOT NULL,
    asked_at          timestamptz NOT NULL
);
