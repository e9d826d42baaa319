// The command of `conformance client`: the platform as the suite's client. Registers the suite's mock server as a remote server, calls it
// through the gateway, and opens every link that a call asks for, as the owner's browser would.
//   OBOT_URL, OBOT_TOKEN   the platform and its owner
// The suite appends the mock server's URL and sets MCP_CONFORMANCE_SCENARIO and MCP_CONFORMANCE_CONTEXT.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const upstream = process.argv.at(-1);
const home = process.env.OBOT_URL;
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? 'conformance';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const authorization = `Bearer ${process.env.OBOT_TOKEN}`;
const jar = new Map();

async function api(method, path, body) {
  const answer = await fetch(`${home}${path}`, { method, headers: { authorization, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

/** Follows redirects; the platform's cookies go to the platform only. */
async function browse(address, form) {
  for (let hop = 0; hop < 15; hop++) {
    const ours = address.startsWith(home);
    const answer = await fetch(address, {
      method: form ? 'POST' : 'GET', body: form, redirect: 'manual',
      headers: ours ? { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') } : {},
    });
    if (ours) for (const cookie of answer.headers.getSetCookie()) jar.set(...cookie.split(';')[0].split(/=(.*)/s).slice(0, 2));
    form = undefined;
    const next = answer.headers.get('location');
    if (!next) return { address, status: answer.status, text: await answer.text() };
    address = new URL(next, address).href;
  }
  throw new Error(`the redirects do not end: ${address}`);
}

async function signIn() {
  const { url } = await api('POST', '/api/sign-in-codes', {});
  const page = await browse(url);
  const form = new URLSearchParams([...page.text.matchAll(/<input(?=[^>]*type="hidden")(?=[^>]*name="([^"]*)")(?=[^>]*value="([^"]*)")[^>]*>/g)].map(([, name, value]) => [name, value.replaceAll('&amp;', '&')]));
  const action = page.text.match(/<form[^>]*action="([^"]*)"/)[1].replaceAll('&amp;', '&');
  await browse(new URL(action, home).href, form);
}

/** The links that had to be opened before everything was called, or where that ended. */
async function use(server) {
  const opened = [];
  while (true) {
    const client = new Client({ name: 'obot-conformance', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    try {
      await client.connect(new StreamableHTTPClientTransport(new URL(`${home}/mcp-connect/${server.id}`), { requestInit: { headers: { authorization } } }));
      const { tools } = await client.listTools();
      for (const tool of tools) await client.callTool({ name: tool.name, arguments: {} });
      await client.close();
      return { opened, tools: tools.length };
    } catch (error) {
      await client.close().catch(() => {});
      const link = error.data?.url;
      if (!link || opened.length >= 8) return { opened, ended: error.message };
      const page = await browse(link);
      opened.push(page.status);
      if (page.status !== 200) return { opened, ended: page.text.replace(/<style>.*<\/style>/s, '').replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ') };
    }
  }
}

await signIn();
const server = await api('POST', '/api/mcp-servers', { manifest: { name: scenario, serverUserType: 'multiUser', runtime: 'remote', remoteConfig: { fixedURL: upstream, staticOAuthRequired: Boolean(context.client_secret || context.private_key_pem) } } });
try {
  if (context.client_id && (context.client_secret || context.private_key_pem)) await api('POST', `/api/mcp-servers/${server.id}/oauth-credentials`, {
    clientID: context.client_id, clientSecret: context.client_secret, privateKey: context.private_key_pem, grant: scenario.includes('client-credentials') ? 'client_credentials' : undefined,
  });
  const end = await use(server);
  console.log(JSON.stringify({ scenario, ...end }));
  process.exitCode = end.ended ? 1 : 0;
} finally {
  await api('DELETE', `/api/mcp-servers/${server.id}`);
}
