-- min_compatible = 1
-- OpenIddict's stores under our names.
CREATE TABLE oauth_applications (
    id                        text NOT NULL CONSTRAINT pk_oauth_applications PRIMARY KEY,
    application_type          character varying(50),
    client_id                 character varying(2048),
    client_secret             text,
    client_type               character varying(50),
    concurrency_token         character varying(50),
    consent_type              character varying(50),
    display_name              text,
    display_names             text,
    json_web_key_set          text,
    permissions               text,
    post_logout_redirect_uris text,
    properties                text,
    redirect_uris             text,
    requirements              text,
    settings                  text
);
CREATE UNIQUE INDEX ix_oauth_applications_client_id ON oauth_applications (client_id);

CREATE TABLE oauth_scopes (
    id                text NOT NULL CONSTRAINT pk_oauth_scopes PRIMARY KEY,
    concurrency_token character varying(50),
    description       text,
    descriptions      text,
    display_name      text,
    display_names     text,
    name              character varying(200),
    properties        text,
    resources         text
);
CREATE UNIQUE INDEX ix_oauth_scopes_name ON oauth_scopes (name);

CREATE TABLE oauth_authorizations (
    id                text NOT NULL CONSTRAINT pk_oauth_authorizations PRIMARY KEY,
    application_id    text CONSTRAINT fk_oauth_authorizations_oauth_applications_application_id REFERENCES oauth_applications (id),
    concurrency_token character varying(50),
    creation_date     timestamptz,
    properties        text,
    scopes            text,
    status            character varying(50),
    subject           character varying(400),
    type              character varying(50)
);
CREATE INDEX ix_oauth_authorizations_application_id_status_subject_type ON oauth_authorizations (application_id, status, subject, type);
CREATE INDEX ix_oauth_authorizations_subject ON oauth_authorizations (subject);

CREATE TABLE oauth_tokens (
    id                text NOT NULL CONSTRAINT pk_oauth_tokens PRIMARY KEY,
    application_id    text CONSTRAINT fk_oauth_tokens_oauth_applications_application_id REFERENCES oauth_applications (id),
    authorization_id  text CONSTRAINT fk_oauth_tokens_oauth_authorizations_authorization_id REFERENCES oauth_authorizations (id),
    concurrency_token character varying(50),
    creation_date     timestamptz,
    expiration_date   timestamptz,
    payload           text,
    properties        text,
    redemption_date   timestamptz,
    reference_id      character varying(100),
    status            character varying(50),
    subject           character varying(400),
    type              character varying(150)
);
CREATE INDEX ix_oauth_tokens_application_id_status_subject_type ON oauth_tokens (application_id, status, subject, type);
CREATE INDEX ix_oauth_tokens_authorization_id ON oauth_tokens (authorization_id);
CREATE UNIQUE INDEX ix_oauth_tokens_reference_id ON oauth_tokens (reference_id);

-- Assertions that were accepted once, until they expire (RFC 7523, section 3: jti).
CREATE TABLE used_assertions (
    hash       bytea NOT NULL CONSTRAINT pk_used_assertions PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- Counters of things that anybody may ask for, over all silos.
CREATE TABLE rate_windows (
    key        text NOT NULL CONSTRAINT pk_rate_windows PRIMARY KEY,
    started_at timestamptz NOT NULL,
    count      integer NOT NULL
);
