-- min_compatible = 3
CREATE TABLE model_providers (
    id              text NOT NULL CONSTRAINT pk_model_providers PRIMARY KEY,
    kind            text NOT NULL,
    name            text NOT NULL,
    base_url        text NOT NULL,
    enabled         boolean NOT NULL,
    settings        jsonb NOT NULL,
    secret          bytea,
    discovered_at   timestamptz,
    discovery_error text,
    revision        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE TABLE models (
    id          text NOT NULL CONSTRAINT pk_models PRIMARY KEY,
    provider_id text NOT NULL CONSTRAINT fk_models_model_providers_provider_id REFERENCES model_providers (id) ON DELETE CASCADE,
    target      text NOT NULL,
    name        text NOT NULL,
    usage       text NOT NULL,
    active      boolean NOT NULL,
    prices      jsonb,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX ix_models_provider_id_target ON models (provider_id, target);
CREATE INDEX ix_models_created_at_id ON models (created_at, id);

CREATE TABLE model_aliases (
    alias      text NOT NULL CONSTRAINT pk_model_aliases PRIMARY KEY,
    targets    jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Ids are no foreign keys: a policy outlives what it names, and ids are never used again.
CREATE TABLE model_access_policies (
    id           text NOT NULL CONSTRAINT pk_model_access_policies PRIMARY KEY,
    display_name text NOT NULL,
    everyone     boolean NOT NULL,
    user_ids     text[] NOT NULL,
    group_ids    text[] NOT NULL,
    models       text[] NOT NULL,
    created_by   text NOT NULL,
    revision     bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX ix_model_access_policies_created_at_id ON model_access_policies (created_at, id);

-- Budgets and message policies: small, read whole.
CREATE TABLE llm_budgets (
    id           text NOT NULL CONSTRAINT pk_llm_budgets PRIMARY KEY,
    definition   jsonb NOT NULL,
    revision     bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

CREATE TABLE llm_message_policies (
    id           text NOT NULL CONSTRAINT pk_llm_message_policies PRIMARY KEY,
    definition   jsonb NOT NULL,
    revision     bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
