-- min_compatible = 1
CREATE TABLE mcp_server_instances (
    instance   text NOT NULL CONSTRAINT pk_mcp_server_instances PRIMARY KEY,
    server_id  text NOT NULL CONSTRAINT fk_mcp_server_instances_mcp_servers_server_id REFERENCES mcp_servers (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_mcp_server_instances_server_id ON mcp_server_instances (server_id);
