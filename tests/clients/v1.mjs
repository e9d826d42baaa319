// The TypeScript client of the legacy era: connect over streamable HTTP, list the tools, call one.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { read, report } from './arguments.mjs';

const options = read();
await report(async () => {
  const client = new Client({ name: 'obot-tests-v1', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(options.url, { requestInit: options.requestInit });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const result = options.tool ? await client.callTool({ name: options.tool, arguments: options.arguments }) : undefined;
  const said = {
    client: 'v1',
    server: client.getServerVersion(),
    protocol: transport.protocolVersion,
    session: transport.sessionId,
    tools: tools.map((tool) => tool.name),
    result,
  };
  await transport.terminateSession();
  await client.close();
  return said;
});
