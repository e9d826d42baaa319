-- min_compatible = 3
-- Days of mcp_call_stats that are over, summed up by the server and by the tool, so that months are not read hour by hour. A day counts as summed up
-- as long as it stands in mcp_call_days; every other one is read by its hours. durations and users are formats of the silo (CallTally).
CREATE TABLE mcp_call_days (
    day       date NOT NULL CONSTRAINT pk_mcp_call_days PRIMARY KEY,
    summed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE mcp_server_days (
    day       date NOT NULL,
    server_id text NOT NULL,
    calls     bigint NOT NULL,
    errors    bigint NOT NULL,
    durations bytea NOT NULL,
    users     bytea NOT NULL,
    CONSTRAINT pk_mcp_server_days PRIMARY KEY (day, server_id)
);
CREATE TABLE mcp_tool_days (
    day       date NOT NULL,
    server_id text NOT NULL,
    tool      text NOT NULL,
    calls     bigint NOT NULL,
    errors    bigint NOT NULL,
    durations bytea NOT NULL,
    users     bytea NOT NULL,
    CONSTRAINT pk_mcp_tool_days PRIMARY KEY (server_id, tool, day)
);
CREATE INDEX ix_mcp_tool_days_day ON mcp_tool_days (day);

-- Users as bits of a set need a number.
CREATE TABLE mcp_call_users (
    user_id text NOT NULL CONSTRAINT pk_mcp_call_users PRIMARY KEY,
    number  integer NOT NULL GENERATED ALWAYS AS IDENTITY
);

-- One user's hours, of whom no sums are kept.
CREATE INDEX ix_mcp_call_stats_user_id_hour ON mcp_call_stats (user_id, hour);

-- Whoever writes hours, silos of an earlier version too: a day that gets more calls is no longer summed up. The lock (shared among writers, exclusive for
-- whoever sums up) keeps a day from being summed up while calls of it are on their way. Class of the lock: "days" in ASCII.
CREATE FUNCTION mcp_call_days_reopen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    late date;
BEGIN
    FOR late IN SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date FROM changed ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock_shared(1684109683, late - date '2000-01-01');
        DELETE FROM mcp_call_days WHERE day = late;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER mcp_call_stats_inserted AFTER INSERT ON mcp_call_stats REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mcp_call_days_reopen();
CREATE TRIGGER mcp_call_stats_updated AFTER UPDATE ON mcp_call_stats REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mcp_call_days_reopen();
