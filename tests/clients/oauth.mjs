// node oauth.mjs v1|v2 URL: the TypeScript clients with nothing but a URL. They discover, register and sign in; then a token that is
// no good any more has to be refreshed. Prints one line of JSON.
import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import { report } from './arguments.mjs';

const [version, address] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = version === 'v1'
  ? { ...(await import('@modelcontextprotocol/sdk/client/index.js')), ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')), ...(await import('@modelcontextprotocol/sdk/client/auth.js')) }
  : await import('@modelcontextprotocol/client');

const listener = createServer();
await new Promise(resolve => listener.listen(0, '127.0.0.1', resolve));
const redirect = `http://127.0.0.1:${listener.address().port}/callback`;
const arrived = new Promise(resolve => listener.on('request', (request, response) => {
  response.end('done');
  resolve(new URL(request.url, redirect).searchParams);
}));

let saves = 0;
const kept = {};
const provider = {
  redirectUrl: redirect,
  clientMetadata: { client_name: `obot-tests-${version}`, redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], token_endpoint_auth_method: 'none' },
  state: () => 'xyz',
  clientInformation: () => kept.client,
  saveClientInformation: client => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: tokens => { kept.tokens = tokens; saves++; },
  redirectToAuthorization: url => { spawn(process.env.BROWSER, [url.toString()], { stdio: 'inherit' }); },
  saveCodeVerifier: verifier => { kept.verifier = verifier; },
  codeVerifier: () => kept.verifier,
  discoveryState: () => kept.discovery,
  saveDiscoveryState: state => { kept.discovery = state; },
};

const connect = async () => {
  const client = new Client({ name: `obot-tests-${version}`, version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(address), { authProvider: provider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const query = await arrived;
    await transport.finishAuth(version === 'v1' ? query.get('code') : query);
    return connect();
  }
  return client;
};

await report(async () => {
  const client = await connect();
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.close();
  const before = saves;
  kept.tokens = { ...kept.tokens, access_token: 'eyJhbGciOiJub25lIn0.e30.' };
  const again = await connect();
  await again.listTools();
  await again.close();
  return { client: version, result, refreshed: saves > before };
});
