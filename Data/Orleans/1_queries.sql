-- The contract of the ADO.NET providers: they read their statements from this table, by key.
CREATE TABLE IF NOT EXISTS orleansquery (
    querykey  text PRIMARY KEY,
    querytext text NOT NULL
);
