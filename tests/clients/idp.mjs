// Identity providers of the sign-in tests: a certified OpenID provider (npm oidc-provider) with its development login pages, and a stub
// of the few endpoints of GitHub that sign-in uses.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

export const client = { id: 'obot', secret: 'a-secret-of-the-tests-only' };

export const people = {
  alice: { name: 'Alice Example', email: 'alice@example.com', email_verified: true, groups: ['engineers', 'everyone'] },
  bob: { name: 'Bob Example', email: 'bob@example.com', email_verified: true, groups: ['everyone'] },
  mallory: { name: 'Mallory', email: 'owner@example.com', email_verified: false, groups: [] },
  olivia: { name: 'Olivia Owner', email: 'owner@example.com', email_verified: true, groups: ['everyone'] },
};

const listen = server => new Promise(done => server.listen(0, '127.0.0.1', () => done(server.address().port)));

/** Starts the OpenID provider; its port has to be known before its issuer is. */
export async function startOidc(redirectUris) {
  let handle;
  const server = createServer((request, response) => handle(request, response));
  const issuer = `http://127.0.0.1:${await listen(server)}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client.id, client_secret: client.secret, redirect_uris: redirectUris, token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code'], response_types: ['code'],
    }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'none'],
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  handle = provider.callback();
  return { issuer, close: () => server.close() };
}

/** Starts the stub of GitHub. Whoever comes is signed in as the one user it knows. */
export async function startGitHub() {
  const codes = new Map();
  const json = (response, value, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const read = request => new Promise(done => {
    let text = '';
    request.on('data', chunk => { text += chunk; }).on('end', () => done(new URLSearchParams(text)));
  });
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://stub');
    const api = {
      '/api/v3/user': { id: 4711, login: 'octo', name: 'Octo Cat' },
      '/api/v3/user/emails': [{ email: 'old@example.org', primary: false, verified: true }, { email: 'octo@example.com', primary: true, verified: true }],
      '/api/v3/user/orgs': [{ login: 'acme' }],
      '/api/v3/user/teams': [{ slug: 'platform', organization: { login: 'acme' } }],
    }[url.pathname];
    if (url.pathname === '/login/oauth/authorize') {
      const code = randomBytes(8).toString('hex');
      codes.set(code, url.searchParams.get('redirect_uri'));
      const target = new URL(url.searchParams.get('redirect_uri'));
      target.searchParams.set('code', code);
      target.searchParams.set('state', url.searchParams.get('state'));
      response.writeHead(302, { location: target.href }).end();
    } else if (url.pathname === '/login/oauth/access_token') {
      const form = await read(request);
      if (form.get('client_id') !== client.id || form.get('client_secret') !== client.secret) json(response, { error: 'incorrect_client_credentials' });
      else if (codes.get(form.get('code')) !== form.get('redirect_uri') || !codes.delete(form.get('code'))) json(response, { error: 'bad_verification_code' });
      else json(response, { access_token: 'gho_test', token_type: 'bearer', scope: 'read:org,read:user,user:email' });
    } else if (api && request.headers.authorization === 'Bearer gho_test') {
      json(response, api);
    } else {
      json(response, { message: api ? 'Bad credentials' : 'Not Found' }, api ? 401 : 404);
    }
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, close: () => server.close() };
}
