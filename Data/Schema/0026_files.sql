-- min_compatible = 3
-- Files of projects and conversations. The content is an object of the storage; the row says where.
CREATE TABLE workspace_files (
    id              text NOT NULL CONSTRAINT pk_workspace_files PRIMARY KEY,
    project_id      text NOT NULL CONSTRAINT fk_workspace_files_projects_project_id REFERENCES projects (id) ON DELETE CASCADE,
    conversation_id text CONSTRAINT fk_workspace_files_conversations_conversation_id REFERENCES conversations (id) ON DELETE CASCADE,
    path            text NOT NULL,
    size            bigint NOT NULL,
    content_type    text NOT NULL,
    sha256          bytea NOT NULL,
    object_key      text NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX ix_workspace_files_project_id_conversation_id_path ON workspace_files (project_id, conversation_id, path) NULLS NOT DISTINCT;
CREATE INDEX ix_workspace_files_conversation_id ON workspace_files (conversation_id);

-- Objects that nobody refers to: written here before their upload, and when their file goes with whatever it belonged to.
CREATE TABLE file_removals (
    object_key text NOT NULL CONSTRAINT pk_file_removals PRIMARY KEY,
    due_at     timestamptz NOT NULL
);
CREATE INDEX ix_file_removals_due_at ON file_removals (due_at);

CREATE FUNCTION note_file_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO file_removals (object_key, due_at) VALUES (OLD.object_key, now()) ON CONFLICT (object_key) DO UPDATE SET due_at = now();
    RETURN NULL;
END $$;
CREATE TRIGGER workspace_files_removed AFTER DELETE ON workspace_files FOR EACH ROW EXECUTE FUNCTION note_file_removal();
CREATE TRIGGER workspace_files_replaced AFTER UPDATE OF object_key ON workspace_files FOR EACH ROW WHEN (OLD.object_key <> NEW.object_key) EXECUTE FUNCTION note_file_removal();
