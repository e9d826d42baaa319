-- min_compatible = 3
-- Calls of models. As mcp_audit_logs: days are partitions, rows arrive by COPY and are never changed, ids are no foreign keys.
CREATE TABLE llm_audit_logs (
    at             timestamptz NOT NULL,
    id             uuid NOT NULL,
    user_id        text NOT NULL,
    credential_id  text NOT NULL,
    operation      text NOT NULL,
    model_asked    text,
    provider_id    text,
    model_id       text,
    model_used     text,
    status         smallint NOT NULL,
    error          text,
    input_tokens   bigint NOT NULL,
    cached_tokens  bigint NOT NULL,
    output_tokens  bigint NOT NULL,
    usage_known    boolean NOT NULL,
    micro_usd      bigint NOT NULL,
    duration_us    bigint NOT NULL,
    first_token_us bigint,
    streamed       boolean NOT NULL,
    attempts       smallint NOT NULL,
    client         text,
    client_ip      text,
    violations     jsonb,
    request_bytes  bigint NOT NULL,
    response_bytes bigint NOT NULL,
    CONSTRAINT pk_llm_audit_logs PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX ix_llm_audit_logs_user_id_at ON llm_audit_logs (user_id, at);
CREATE INDEX ix_llm_audit_logs_errors_at ON llm_audit_logs (at) WHERE error IS NOT NULL;

CREATE TABLE llm_audit_bodies (
    at     timestamptz NOT NULL,
    id     uuid NOT NULL,
    detail bytea NOT NULL,
    CONSTRAINT pk_llm_audit_bodies PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
ALTER TABLE llm_audit_bodies ALTER COLUMN detail SET STORAGE EXTERNAL;

-- Roll-up by the day, written in the transaction of the records; what was refused before it reached a provider has no model_id and counts as an error.
CREATE TABLE llm_usage (
    day           date NOT NULL,
    user_id       text NOT NULL,
    credential_id text NOT NULL,
    provider_id   text NOT NULL,
    model         text NOT NULL,
    calls         bigint NOT NULL,
    errors        bigint NOT NULL,
    input_tokens  bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    micro_usd     bigint NOT NULL,
    CONSTRAINT pk_llm_usage PRIMARY KEY (day, user_id, credential_id, provider_id, model)
) WITH (fillfactor = 70);
