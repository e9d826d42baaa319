-- Grain state. A row is one state of one grain; the primary key, not a hash, makes it the only one. "Version" is the ETag.
-- The provider reads back its own version as "nothing changed", and turns that into an InconsistentStateException.
CREATE TABLE IF NOT EXISTS orleans_storage (
    service_id  text NOT NULL,
    state_name  text NOT NULL,
    key_n0      bigint NOT NULL,
    key_n1      bigint NOT NULL,
    key_text    text NOT NULL,
    version     integer NOT NULL,
    payload     bytea,
    modified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_id, state_name, key_text, key_n0, key_n1)
) WITH (fillfactor = 70);

INSERT INTO orleansquery (querykey, querytext) VALUES
('ReadFromStorageKey', $q$
SELECT payload AS "PayloadBinary", version AS "Version"
  FROM orleans_storage
 WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND key_text = coalesce(@GrainIdExtensionString::text, '')
   AND key_n0 = @GrainIdN0 AND key_n1 = @GrainIdN1
$q$),
('WriteToStorageKey', $q$
WITH updated AS (
    UPDATE orleans_storage SET payload = @PayloadBinary, version = version + 1, modified_at = now()
     WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND key_text = coalesce(@GrainIdExtensionString::text, '')
       AND key_n0 = @GrainIdN0 AND key_n1 = @GrainIdN1 AND version = @GrainStateVersion::integer
    RETURNING version),
added AS (
    INSERT INTO orleans_storage (service_id, state_name, key_text, key_n0, key_n1, version, payload)
    SELECT @ServiceId, @GrainTypeString, coalesce(@GrainIdExtensionString::text, ''), @GrainIdN0, @GrainIdN1, 1, @PayloadBinary
     WHERE @GrainStateVersion::integer IS NULL
    ON CONFLICT DO NOTHING
    RETURNING version)
SELECT coalesce((SELECT version FROM updated), (SELECT version FROM added), @GrainStateVersion::integer) AS "NewGrainStateVersion"
$q$),
('ClearStorageKey', $q$
WITH cleared AS (
    UPDATE orleans_storage SET payload = NULL, version = version + 1, modified_at = now()
     WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND key_text = coalesce(@GrainIdExtensionString::text, '')
       AND key_n0 = @GrainIdN0 AND key_n1 = @GrainIdN1 AND version = @GrainStateVersion::integer
    RETURNING version)
SELECT coalesce((SELECT version FROM cleared), @GrainStateVersion::integer) AS "NewGrainStateVersion"
$q$),
('DeleteStorageKey', $q$
WITH deleted AS (
    DELETE FROM orleans_storage
     WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND key_text = coalesce(@GrainIdExtensionString::text, '')
       AND key_n0 = @GrainIdN0 AND key_n1 = @GrainIdN1 AND version = @GrainStateVersion::integer
    RETURNING version + 1 AS version)
SELECT coalesce((SELECT version FROM deleted), @GrainStateVersion::integer) AS "NewGrainStateVersion"
$q$)
ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext WHERE orleansquery.querytext <> excluded.querytext;
