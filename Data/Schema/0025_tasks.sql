-- min_compatible = 3
-- Prompts that run on demand or by a schedule; each run is a conversation.
CREATE TABLE tasks (
    id         text NOT NULL CONSTRAINT pk_tasks PRIMARY KEY,
    project_id text NOT NULL CONSTRAINT fk_tasks_projects_project_id REFERENCES projects (id) ON DELETE CASCADE,
    owner_id   text NOT NULL,
    name       text NOT NULL,
    prompt     bytea NOT NULL,
    parameters jsonb NOT NULL,
    schedule   text,
    time_zone  text,
    model      text,
    servers    text[],
    enabled    boolean NOT NULL,
    notify_url text,
    next_due   timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_tasks_owner_id_created_at_id ON tasks (owner_id, created_at, id);
CREATE INDEX ix_tasks_project_id ON tasks (project_id);

-- One a due time, however many silos see it come.
CREATE TABLE task_runs (
    id              text NOT NULL CONSTRAINT pk_task_runs PRIMARY KEY,
    task_id         text NOT NULL CONSTRAINT fk_task_runs_tasks_task_id REFERENCES tasks (id) ON DELETE CASCADE,
    due_at          timestamptz,
    conversation_id text NOT NULL,
    prompt          bytea,
    status          text NOT NULL,
    error           text,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz
);
CREATE UNIQUE INDEX ix_task_runs_task_id_due_at ON task_runs (task_id, due_at);
CREATE INDEX ix_task_runs_task_id_started_at_id ON task_runs (task_id, started_at, id);
