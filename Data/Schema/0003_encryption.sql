-- min_compatible = 3
-- An older binary would read ciphertext as if it were the value.
CREATE TABLE data_keys (
    id            text NOT NULL CONSTRAINT pk_data_keys PRIMARY KEY,
    purpose       text NOT NULL,
    provider      text NOT NULL,
    kms_key       text NOT NULL,
    wrapped       bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    superseded_at timestamptz,
    retired_at    timestamptz
);
-- One key of a purpose is written with: silos that make the first one at once agree by this index.
CREATE UNIQUE INDEX ix_data_keys_purpose ON data_keys (purpose) WHERE superseded_at IS NULL;
