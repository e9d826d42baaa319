// The TypeScript client that speaks both eras. --mode: legacy, auto (modern first, its default here) or a revision to insist on.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { read, report } from './arguments.mjs';

const options = read();
await report(async () => {
  const mode = options.mode ?? 'auto';
  const negotiation = ['legacy', 'auto'].includes(mode) ? mode : { pin: mode };
  const client = new Client({ name: 'obot-tests-v2', version: '1.0.0' }, { versionNegotiation: { mode: negotiation } });
  const transport = new StreamableHTTPClientTransport(options.url, { requestInit: options.requestInit });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const result = options.tool ? await client.callTool({ name: options.tool, arguments: options.arguments }) : undefined;
  const said = {
    client: 'v2',
    server: client.getServerVersion(),
    protocol: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion,
    session: transport.sessionId,
    tools: tools.map((tool) => tool.name),
    result,
  };
  await client.close();
  return said;
});
