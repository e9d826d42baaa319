-- min_compatible = 3
-- Projects and the conversations in them. What people and models say is ciphertext, titles and instructions included.
CREATE TABLE projects (
    id           text NOT NULL CONSTRAINT pk_projects PRIMARY KEY,
    owner_id     text NOT NULL,
    is_default   boolean NOT NULL,
    is_template  boolean NOT NULL,
    name         text NOT NULL,
    description  text,
    instructions bytea,
    model        text,
    servers      text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX ix_projects_created_at_id ON projects (created_at, id);
CREATE UNIQUE INDEX ix_projects_owner_id ON projects (owner_id) WHERE is_default;

CREATE TABLE project_members (
    project_id text NOT NULL CONSTRAINT fk_project_members_projects_project_id REFERENCES projects (id) ON DELETE CASCADE,
    user_id    text NOT NULL,
    access     text NOT NULL,
    CONSTRAINT pk_project_members PRIMARY KEY (project_id, user_id)
);
CREATE INDEX ix_project_members_user_id ON project_members (user_id);

CREATE TABLE tool_approvals (
    project_id text NOT NULL CONSTRAINT fk_tool_approvals_projects_project_id REFERENCES projects (id) ON DELETE CASCADE,
    user_id    text NOT NULL,
    tool       text NOT NULL,
    approval   text NOT NULL,
    CONSTRAINT pk_tool_approvals PRIMARY KEY (project_id, user_id, tool)
);

-- epoch: raised by each activation of the conversation's grain; who holds an older one writes nothing any more.
CREATE TABLE conversations (
    id             text NOT NULL CONSTRAINT pk_conversations PRIMARY KEY,
    project_id     text NOT NULL CONSTRAINT fk_conversations_projects_project_id REFERENCES projects (id) ON DELETE CASCADE,
    owner_id       text NOT NULL,
    title          bytea,
    model          text,
    servers        text[],
    leaf_id        text,
    run_status     text NOT NULL,
    run_message_id text,
    epoch          bigint NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX ix_conversations_owner_id_updated_at_id ON conversations (owner_id, updated_at, id);
CREATE INDEX ix_conversations_project_id_updated_at_id ON conversations (project_id, updated_at, id);

-- A tree: siblings are forks. summary: everything up to and with this message, in the words of a model.
CREATE TABLE conversation_messages (
    conversation_id text NOT NULL CONSTRAINT fk_conversation_messages_conversations_conversation_id REFERENCES conversations (id) ON DELETE CASCADE,
    id              text NOT NULL,
    parent_id       text,
    number          bigint NOT NULL,
    role            text NOT NULL,
    status          text NOT NULL,
    author_id       text,
    model           text,
    error           text,
    input_tokens    bigint NOT NULL,
    output_tokens   bigint NOT NULL,
    saved_tokens    bigint NOT NULL,
    summary         bytea,
    created_at      timestamptz NOT NULL,
    CONSTRAINT pk_conversation_messages PRIMARY KEY (conversation_id, id)
);
CREATE INDEX ix_conversation_messages_conversation_id_parent_id ON conversation_messages (conversation_id, parent_id);

-- One row a step: written when a tool call is wished, before it is made, and after it.
CREATE TABLE conversation_parts (
    conversation_id text NOT NULL,
    id              text NOT NULL,
    message_id      text NOT NULL,
    number          bigint NOT NULL,
    content         bytea NOT NULL,
    CONSTRAINT pk_conversation_parts PRIMARY KEY (conversation_id, id),
    CONSTRAINT fk_conversation_parts_conversation_messages_conversation_id_me FOREIGN KEY (conversation_id, message_id) REFERENCES conversation_messages (conversation_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_conversation_parts_conversation_id_message_id_number ON conversation_parts (conversation_id, message_id, number);
