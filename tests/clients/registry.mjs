// Reads an MCP registry as editors do, checks every answer against the schema, connects to what it found.
// node registry.mjs ORIGIN [--registry-token TOKEN] [--mcp-token TOKEN] [--connect TITLE]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { report } from './arguments.mjs';

const { values, positionals: [origin] } = parseArgs({
  allowPositionals: true,
  options: { 'registry-token': { type: 'string' }, 'mcp-token': { type: 'string' }, connect: { type: 'string' } },
});
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(JSON.parse(readFileSync(new URL('./registry-schema.json', import.meta.url), 'utf8')));
const checks = Object.fromEntries(['ServerList', 'ServerResponse', 'Error'].map((name) => [name, ajv.getSchema(`https://tests.invalid/registry#/$defs/${name}`)]));
let answers = 0;

async function get(path, kind, status = 200, headers = {}) {
  const authorization = values['registry-token'] ? { Authorization: `Bearer ${values['registry-token']}` } : {};
  const response = await fetch(origin + path, { headers: { Accept: 'application/json', ...authorization, ...headers } });
  const body = await response.json();
  if (response.status !== status) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
  if (!checks[kind](body)) throw new Error(`${path}: ${ajv.errorsText(checks[kind].errors)} in ${JSON.stringify(body).slice(0, 2000)}`);
  if (response.headers.get('access-control-allow-origin') !== '*') throw new Error(`${path}: no CORS`);
  answers++;
  return body;
}

await report(async () => {
  // VS Code: pages of 50 of the latest versions, and a search
  const servers = [];
  let cursor = '';
  let pages = 0;
  do {
    const page = await get(`/v0.1/servers?limit=50&version=latest${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, 'ServerList');
    servers.push(...page.servers);
    cursor = page.metadata.nextCursor ?? '';
    pages++;
  } while (cursor);
  const names = servers.map((one) => one.server.name);
  if (new Set(names).size !== names.length) throw new Error('a name is there twice');
  const small = [];
  cursor = '';
  do {
    const page = await get(`/v0.1/servers?limit=7${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, 'ServerList');
    small.push(...page.servers.map((one) => one.server.name));
    cursor = page.metadata.nextCursor ?? '';
  } while (cursor);
  if (small.join() !== names.join()) throw new Error('other pages, other servers');

  // Copilot: each server's latest version and the exact one, with the name as one encoded segment; preflights
  for (const { server, _meta } of servers.slice(0, 12)) {
    const path = `/v0.1/servers/${encodeURIComponent(server.name)}/versions`;
    const latest = await get(`${path}/latest`, 'ServerResponse');
    const exact = await get(`${path}/${encodeURIComponent(server.version)}`, 'ServerResponse');
    const versions = await get(path, 'ServerList');
    const plain = await get(`/v0.1/servers/${server.name}/versions/latest`, 'ServerResponse');
    for (const same of [latest, exact, versions.servers[0], plain]) {
      if (JSON.stringify(same) !== JSON.stringify({ server, _meta })) throw new Error(`${server.name}: not what the list said`);
    }
    await get(`${path}/9.9.9`, 'Error', 404);
    const found = await get(`/v0.1/servers?limit=100&search=${encodeURIComponent(server.title.slice(0, 11).toUpperCase())}`, 'ServerList');
    if (!found.servers.some((one) => one.server.name === server.name)) throw new Error(`${server.name}: not found by its title`);
  }
  const preflight = await fetch(`${origin}/v0.1/servers`, { method: 'OPTIONS', headers: { Origin: 'https://editor.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' } });
  if (preflight.status !== 204 || preflight.headers.get('access-control-allow-origin') !== '*' || !/authorization/i.test(preflight.headers.get('access-control-allow-headers'))) throw new Error(`preflight: ${preflight.status}`);
  await get('/v0.1/servers', 'ServerList', 200, { Origin: 'https://editor.example' });
  await get(`/v0.1/servers/${encodeURIComponent('com.nowhere/none')}/versions/latest`, 'Error', 404);
  await get('/v0.1/servers?limit=0', 'Error', 400);
  await get('/v0.1/servers?cursor=%00', 'Error', 400);
  await get('/v0.1/servers?updated_since=yesterday', 'Error', 400);
  const later = await get('/v0.1/servers?updated_since=2100-01-01T00%3A00%3A00Z', 'ServerList');
  const earlier = await get('/v0.1/servers?limit=100&updated_since=2020-01-01T00:00:00%2B02:00', 'ServerList');
  if (later.servers.length !== 0 || earlier.servers.length < Math.min(servers.length, 100)) throw new Error('updated_since');

  let echo;
  if (values.connect) {
    const { server } = servers.find((one) => one.server.title === values.connect) ?? {};
    if (!server) throw new Error(`'${values.connect}' is not listed among ${servers.map((one) => one.server.title).join(', ')}`);
    const client = new Client({ name: 'obot-tests-registry', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(server.remotes[0].url), { requestInit: { headers: { Authorization: `Bearer ${values['mcp-token']}` } } }));
    const result = await client.callTool({ name: 'echo', arguments: { message: 'found in the registry' } });
    echo = result.content[0].text;
    await client.close();
  }
  return { titles: servers.map((one) => one.server.title), names, pages, answers, echo };
});
