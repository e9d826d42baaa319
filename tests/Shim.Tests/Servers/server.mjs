#!/usr/bin/env node
// A stdio MCP server of the tests. The first argument says how it behaves.
import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';

const mode = process.argv[2] ?? 'legacy';
const cancelled = [];
const waiting = new Map();
const timers = new Map();
let asked = 0;
let lists = 0;
let header = 'Region';
const modern = mode === 'modern' || mode === 'annotated';

const send = message => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
const text = (id, value) => send({ id, result: { content: [{ type: 'text', text: String(value) }] } });
const fail = (id, code, message) => send({ id, error: { code, message } });

if (mode === 'exit') {
  console.error('the configuration is incomplete');
  process.exit(3);
}
if (mode === 'tree') spawn('sh', ['-c', 'sleep 4242 & sleep 4242'], { stdio: 'ignore' });
if (mode === 'stubborn') { process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); }
if (mode === 'flood') for (let i = 0; i < 200000; i++) process.stderr.write(`line ${i} ${'x'.repeat(40)}\n`);

const tools = {
  echo: (id, a) => text(id, JSON.stringify({ id, ...a })),
  env: id => text(id, JSON.stringify(process.env)),
  pid: id => text(id, process.pid),
  big: (id, a) => text(id, 'x'.repeat(a.size)),
  cancelled: id => text(id, JSON.stringify(cancelled)),
  lists: id => text(id, lists),
  rename: (id, a) => { header = a.header; if (a.say) send({ method: 'notifications/tools/list_changed' }); text(id, 'renamed'); },
  hang: () => {},
  exit: (id, a) => { process.stderr.write('out of cheese\n', () => a.signal ? process.kill(process.pid, a.signal) : process.exit(a.code)); },
  log: id => { send({ method: 'notifications/message', params: { level: 'info', data: 'hello' } }); text(id, 'logged'); },
  changed: id => { text(id, 'ok'); setTimeout(() => send({ method: 'notifications/tools/list_changed' }), 50); },
  slow: (id, a, meta) => {
    const token = meta?.progressToken;
    if (token !== undefined) send({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } });
    timers.set(id, setTimeout(() => { timers.delete(id); text(id, 'slow ' + JSON.stringify(a)); }, a.ms));
  },
  ask: id => {
    const own = `srv-${++asked}`;
    waiting.set(own, id);
    send({ id: own, method: 'elicitation/create', params: { message: 'your name?', requestedSchema: {} } });
  },
};

createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', line => {
  if (mode === 'silent') return;
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === undefined) {
    text(waiting.get(id), JSON.stringify(result ?? { error: error.code }));
    return;
  }
  switch (method) {
    case 'initialize':
      if (modern) return send({ id, error: { code: -32022, message: 'modern only', data: { supported: ['2026-07-28'] } } });
      return send({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'test', version: '1' } } });
    case 'server/discover':
      if (mode === 'allergic') process.exit(9);
      if (mode === 'mute') return;
      if (!modern && mode !== 'both') return fail(id, -32601, 'Method not found');
      return send({ id, result: { supportedVersions: ['2026-07-28'], capabilities: {}, serverInfo: { name: 'test', version: '1' } } });
    case 'subscriptions/listen': {
      const note = (method, extra) => send({ method, params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id }, ...extra } });
      note('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged: true } });
      setTimeout(() => note('notifications/tools/list_changed'), 50);
      return;
    }
    case 'notifications/cancelled':
      cancelled.push(params.requestId);
      clearTimeout(timers.get(params.requestId));
      return;
    case 'tools/call':
      return tools[params.name] ? tools[params.name](id, params.arguments ?? {}, params._meta) : fail(id, -32602, 'Unknown tool');
    case 'tools/list': {
      if (mode !== 'annotated') return fail(id, -32601, 'Method not found');
      lists++;
      const other = ['pid', 'lists', 'rename', 'cancelled'].map(name => ({ name, inputSchema: { type: 'object' } }));
      if (params.cursor !== 'the "second"') return send({ id, result: { tools: other, nextCursor: 'the "second"' } });
      const place = { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } };
      const properties = { region: { type: 'string', 'x-mcp-header': header }, count: { type: 'integer', 'x-mcp-header': 'Count' }, place };
      return send({ id, result: { tools: [{ name: 'echo', inputSchema: { type: 'object', properties } }] } });
    }
    case 'ping':
      return send({ id, result: {} });
    default:
      if (id !== undefined) fail(id, -32601, 'Method not found');
  }
});
