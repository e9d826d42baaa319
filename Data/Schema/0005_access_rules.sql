-- min_compatible = 1
-- Ids are no foreign keys: a rule outlives what it names, and ids are never used again.
CREATE TABLE access_control_rules (
    id           text NOT NULL CONSTRAINT pk_access_control_rules PRIMARY KEY,
    display_name text NOT NULL,
    created_by   text NOT NULL,
    everyone     boolean NOT NULL,
    user_ids     text[] NOT NULL,
    group_ids    text[] NOT NULL,
    everything   boolean NOT NULL,
    server_ids   text[] NOT NULL,
    entry_ids    text[] NOT NULL,
    catalog_ids  text[] NOT NULL,
    tools        text[],
    revision     bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX ix_access_control_rules_created_at_id ON access_control_rules (created_at, id);
CREATE INDEX ix_access_control_rules_user_ids ON access_control_rules USING gin (user_ids);
CREATE INDEX ix_access_control_rules_group_ids ON access_control_rules USING gin (group_ids);
