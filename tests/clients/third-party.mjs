// node third-party.mjs [dev]: a third party as the platform meets one. A certified authorization server (npm oidc-provider) with registration,
// rotation and revocation, and an MCP server (npm @modelcontextprotocol/sdk) that takes its tokens only. Signs everybody in as the account
// that was set last; with `dev` its own pages ask. Prints one line of JSON, then obeys lines of JSON on standard input and answers each.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const dev = process.argv[2] === 'dev';
const set = { account: 'alice', ttl: 3600, refreshDelay: 0, decline: false, hang: false };
const seen = { refreshes: 0, codes: 0, registrations: 0, revocations: 0, denied: 0, calls: 0, tokens: [], foreign: [] };
const listen = server => new Promise(done => server.listen(0, '127.0.0.1', () => done(server.address().port)));

let handle;
const authServer = createServer((request, response) => handle(request, response));
const resourceServer = createServer((request, response) => serve(request, response));
const issuer = `http://127.0.0.1:${await listen(authServer)}`;
const resource = `http://127.0.0.1:${await listen(resourceServer)}/mcp`;

const provider = new Provider(issuer, {
  clients: [{ client_id: 'entered-by-hand', client_secret: 'PLANTED-static-client-secret', redirect_uris: ['http://127.0.0.1:1/none'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
  scopes: ['openid', 'offline_access', 'read', 'write'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  pkce: { required: () => true },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  rotateRefreshToken: true,
  issueRefreshToken: (ctx, client, code) => code.scopes.has('offline_access'),
  ttl: { AccessToken: () => set.ttl, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 3600, AuthorizationCode: 60 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: dev ? undefined : { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: dev },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, indicator) => ({ scope: 'read write', audience: indicator, accessTokenFormat: 'opaque', accessTokenTTL: set.ttl }),
    },
  },
});
provider.on('grant.success', ctx => {
  if (ctx.oidc.params.grant_type === 'refresh_token') seen.refreshes++;
  else seen.codes++;
  seen.tokens.push(ctx.body?.access_token, ctx.body?.refresh_token);
});
provider.on('registration_create.success', () => { seen.registrations++; });
provider.on('grant.revoked', () => { seen.revocations++; });
const answer = provider.callback();
const wait = ms => new Promise(done => setTimeout(done, ms));
const body = request => new Promise(done => { let text = ''; request.on('data', chunk => { text += chunk; }).on('end', () => done(text)); });

handle = async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith('/interaction/') && !dev) return interact(request, response);
  if (url.pathname === '/token') {
    const text = await body(request);
    if (text.includes('refresh_token') && new URLSearchParams(text).get('grant_type') === 'refresh_token') {
      seen.refreshRequests = (seen.refreshRequests ?? 0) + 1;
      await wait(set.refreshDelay);
      if (set.unavailable) return response.writeHead(503).end();
    }
    request.body = text;
    // the answer is made and never arrives
    if (set.hang) {
      const end = response.end.bind(response);
      response.end = (...rest) => { seen.hung = (seen.hung ?? 0) + 1; setTimeout(() => end(...rest), 60000).unref(); return response; };
    }
  }
  answer(request, response);
};

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (set.decline) return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the person said no' });
  if (details.prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: set.account } });
  const grant = details.grantId ? await provider.Grant.find(details.grantId) : new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
  const { missingOIDCScope, missingResourceScopes } = details.prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  for (const [indicator, scopes] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(indicator, scopes.join(' '));
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const metadata = `${new URL(resource).origin}/.well-known/oauth-protected-resource/mcp`;
function deny(response, status, more) {
  seen.denied++;
  response.writeHead(status, { 'www-authenticate': `Bearer ${more}resource_metadata="${metadata}"`, 'content-type': 'application/json' }).end('{"error":"third party"}');
}

async function serve(request, response) {
  const url = new URL(request.url, resource);
  if (url.pathname === '/.well-known/oauth-protected-resource/mcp') {
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ resource, authorization_servers: [issuer], scopes_supported: ['read'] }));
  }
  if (url.pathname !== '/mcp') return response.writeHead(404).end();
  seen.foreign.push(...Object.keys(request.headers).filter(name => name.startsWith('obot-') || name === 'cookie'));
  const text = await body(request);
  const token = request.headers.authorization?.startsWith('Bearer ') ? await provider.AccessToken.find(request.headers.authorization.slice(7)) : undefined;
  if (!token || token.isExpired || !token.aud?.includes(resource)) return deny(response, 401, request.headers.authorization ? 'error="invalid_token", ' : '');
  const message = text ? JSON.parse(text) : {};
  if (message.method === 'tools/call' && message.params?.name === 'write' && !token.scope?.split(' ').includes('write')) {
    return deny(response, 403, 'error="insufficient_scope", scope="write", ');
  }
  if (request.method !== 'POST') return response.writeHead(405).end();
  seen.calls++;
  const server = new Server({ name: 'third-party', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: ['whoami', 'write'].map(name => ({ name, inputSchema: { type: 'object' } })) }));
  server.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: 'text', text: JSON.stringify({ account: token.accountId, scope: token.scope, key: request.headers['x-api-key'] ?? null }) }] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response, message);
}

console.log(JSON.stringify({ issuer, resource }));
for await (const line of createInterface({ input: process.stdin })) {
  const { reset, ...changes } = JSON.parse(line);
  Object.assign(set, changes);
  const now = { ...seen };
  if (reset) Object.assign(seen, { refreshes: 0, refreshRequests: 0, codes: 0, registrations: 0, revocations: 0, denied: 0, calls: 0, hung: 0 });
  console.log(JSON.stringify(now));
}
process.exit(0);
