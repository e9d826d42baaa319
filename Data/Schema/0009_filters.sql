-- min_compatible = 1
-- Ids are no foreign keys: a filter outlives what it names, and ids are never used again.
CREATE TABLE mcp_webhook_validations (
    id                text NOT NULL CONSTRAINT pk_mcp_webhook_validations PRIMARY KEY,
    name              text NOT NULL,
    kind              text NOT NULL,
    url               text,
    secret            text,
    server_id         text,
    tool_name         text,
    everything        boolean NOT NULL,
    server_ids        text[] NOT NULL,
    entry_ids         text[] NOT NULL,
    catalog_ids       text[] NOT NULL,
    selectors         jsonb NOT NULL,
    on_request        boolean NOT NULL,
    on_response       boolean NOT NULL,
    allowed_to_mutate boolean NOT NULL,
    disabled          boolean NOT NULL,
    position          integer NOT NULL,
    timeout_seconds   integer NOT NULL,
    created_by        text NOT NULL,
    revision          bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX ix_mcp_webhook_validations_created_at_id ON mcp_webhook_validations (created_at, id);
