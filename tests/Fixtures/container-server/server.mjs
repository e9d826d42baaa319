// A small MCP server over streamable HTTP without dependencies, for images that tests make: node server.mjs [mode]
//   (none)   serve on PORT (8099) at /mcp, health at /healthz
//   crash    say something on standard error and exit with code 3
//   deaf     run and listen on nothing
//   ill      serve, but answer 503 at /healthz
//   hungry   take memory until the kernel ends it
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const mode = process.argv[2] ?? '';
const port = Number(process.env.PORT ?? 8099);
process.on('SIGTERM', () => process.exit(0));

if (mode === 'crash') {
  console.error('cannot open the database: no such file');
  process.exit(3);
}

function eat() {
  const held = [];
  for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));
}

if (mode === 'hungry') {
  console.error('growing');
  eat();
}

const tools = ['echo', 'pid', 'env', 'file', 'exit', 'eat', 'slow'].map(name => ({ name, description: name, inputSchema: { type: 'object' } }));

async function call(name, args) {
  switch (name) {
    case 'echo': return 'x'.repeat(args.size ?? 1);
    case 'pid': return `${process.pid}`;
    case 'env': return JSON.stringify({ env: process.env, uid: process.getuid(), gid: process.getgid() });
    case 'file': return readFileSync(process.env[args.variable], 'utf8');
    case 'exit': console.error('asked to leave'); setTimeout(() => process.exit(args.code ?? 7), 20); return 'leaving';
    case 'eat': setTimeout(eat, 20); return 'eating';
    case 'slow': await new Promise(done => setTimeout(done, args.delay ?? 1000)); return 'waited';
  }
}

async function answer(message) {
  switch (message.method) {
    case 'initialize': return { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'container-server', version: '1.0.0' } };
    case 'ping': return {};
    case 'tools/list': return { tools };
    case 'tools/call': return { content: [{ type: 'text', text: await call(message.params.name, message.params.arguments ?? {}) }] };
  }
}

createServer(async (request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  if (path === '/healthz') {
    response.writeHead(mode === 'ill' ? 503 : 200).end();
  } else if (path !== '/mcp' || request.method !== 'POST') {
    response.writeHead(path === '/mcp' ? 405 : 404).end();
  } else {
    let body = '';
    for await (const part of request) body += part;
    const message = JSON.parse(body);
    const result = await answer(message);
    const headers = { 'content-type': 'application/json' };
    if (message.method === 'initialize') headers['mcp-session-id'] = randomUUID();
    if (message.id === undefined) response.writeHead(202).end();
    else response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(result ? { result } : { error: { code: -32601, message: 'Method not found' } }) }));
  }
}).listen(mode === 'deaf' ? undefined : port, mode === 'deaf' ? '127.0.0.1' : '0.0.0.0', () => console.error(mode === 'deaf' ? 'thinking' : `listening on ${port}`));
