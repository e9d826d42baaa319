-- min_compatible = 3
-- How tokens come from a client that an administrator entered; null: by its users' sign-in.
ALTER TABLE third_party_clients ADD COLUMN grant_kind text;
