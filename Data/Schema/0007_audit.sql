-- min_compatible = 3
-- Records of calls. Days are partitions, made ahead and dropped by age; rows arrive by COPY and are never changed. Ids are no foreign keys:
-- a record outlives what it names.
CREATE TABLE mcp_audit_logs (
    at             timestamptz NOT NULL,
    id             uuid NOT NULL,
    user_id        text,
    credential_id  text,
    client_name    text,
    client_version text,
    server_id      text,
    method         text NOT NULL,
    identifier     text,
    status         smallint NOT NULL,
    error          text,
    duration_us    bigint NOT NULL,
    session_id     text,
    trace_id       text,
    client_ip      text,
    filters        jsonb,
    request_bytes  bigint NOT NULL,
    response_bytes bigint NOT NULL,
    CONSTRAINT pk_mcp_audit_logs PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX ix_mcp_audit_logs_server_id_at ON mcp_audit_logs (server_id, at);
CREATE INDEX ix_mcp_audit_logs_user_id_at ON mcp_audit_logs (user_id, at);
CREATE INDEX ix_mcp_audit_logs_session_id_at ON mcp_audit_logs (session_id, at) WHERE session_id IS NOT NULL;
CREATE INDEX ix_mcp_audit_logs_errors_at ON mcp_audit_logs (at) WHERE error IS NOT NULL;

-- Bodies and headers apart, so that searches do not read past them. Ciphertext does not compress.
CREATE TABLE mcp_audit_bodies (
    at     timestamptz NOT NULL,
    id     uuid NOT NULL,
    detail bytea NOT NULL,
    CONSTRAINT pk_mcp_audit_bodies PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
ALTER TABLE mcp_audit_bodies ALTER COLUMN detail SET STORAGE EXTERNAL;

-- Which data keys the ciphertext of a day needs: rows of a partition are not re-encrypted, they expire.
CREATE TABLE record_data_keys (
    table_name text NOT NULL,
    day        date NOT NULL,
    key_id     text NOT NULL,
    CONSTRAINT pk_record_data_keys PRIMARY KEY (table_name, day, key_id)
);

-- Roll-up by the hour, written in the transaction of the records. A duration is counted in bucket ceil(8 · log2 µs): histograms add up.
CREATE TABLE mcp_call_stats (
    hour       timestamptz NOT NULL,
    server_id  text NOT NULL,
    user_id    text NOT NULL,
    method     text NOT NULL,
    identifier text NOT NULL,
    bucket     smallint NOT NULL,
    calls      bigint NOT NULL,
    errors     bigint NOT NULL,
    CONSTRAINT pk_mcp_call_stats PRIMARY KEY (server_id, hour, user_id, method, identifier, bucket)
) WITH (fillfactor = 70);
CREATE INDEX ix_mcp_call_stats_hour ON mcp_call_stats (hour);
