// Calls whose person has to open a link first, with real clients and a real browser.
// node links.mjs SIGN_IN_URL ENDPOINT TOKEN SCREENSHOT_FOLDER
// Each client says that it opens links; whoever is asked opens them in Chromium, signs in at the third party, and the call goes on.
import { chromium } from 'playwright-core';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [signIn, endpoint, token, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const url = new URL(endpoint);
const server = url.pathname.split('/').at(-1);
const headers = { authorization: `Bearer ${token}` };
const patience = { timeout: 120000 };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(60000);
const said = { asked: [], pages: [] };
const going = [];

/** The person's part, beside the call that waits. */
async function open(link) {
  const page = await context.newPage();
  await page.goto(link);
  for (let step = 0; step < 6 && !page.url().startsWith(url.origin); step++) {
    if (await page.locator('[name=login]').count()) {
      await page.locator('[name=login]').fill('dora');
      await page.locator('[name=password]').fill('any');
    }
    await Promise.all([page.waitForNavigation(), page.locator('button[type=submit]').first().click()]);
  }
  await page.screenshot({ path: `${folder}/link-${said.pages.length}.png` });
  said.pages.push((await page.locator('body').innerText()).replace(/\s+/g, ' ').slice(0, 200));
  await page.close();
}

const answers = action => ({ params }) => {
  said.asked.push({ mode: params.mode, url: params.url, message: params.message });
  if (action === 'accept') going.push(open(params.url));
  return { action };
};

async function legacy(action, use) {
  const client = new LegacyClient({ name: 'obot-links-v1', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } } });
  client.setRequestHandler(ElicitRequestSchema, answers(action));
  await client.connect(new LegacyTransport(url, { requestInit: { headers } }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function modern(action, use) {
  const client = new Client({ name: 'obot-links-v2', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  client.setRequestHandler('elicitation/create', answers(action));
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

const disconnect = async () => {
  const gone = await fetch(`${url.origin}/api/mcp-servers/${server}/oauth`, { method: 'DELETE', headers });
  if (gone.status !== 204) throw new Error(`disconnect: ${gone.status}`);
  // told to the guard within a second
  await new Promise(done => setTimeout(done, 1500));
};
const text = result => result.content[0].text;
const refused = async promise => promise.then(() => 'not refused', error => error.message);

try {
  const page = await context.newPage();
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(at => !at.pathname.startsWith('/login'));

  // who says no gets an error, once for the session
  said.legacyDeclined = await legacy('decline', async client => {
    const first = await refused(client.listTools({}, patience));
    return [first, await refused(client.listTools({}, patience))];
  });
  said.askedWhenDeclined = said.asked.length;

  // nothing is connected: several calls at once ask once, and go on; then one needs more than was granted
  said.legacy = await legacy('accept', async client => {
    const [list, who] = await Promise.all([client.listTools({}, patience), client.callTool({ name: 'whoami', arguments: {} }, undefined, patience)]);
    const asked = said.asked.length;
    const wide = await client.callTool({ name: 'write', arguments: {} }, undefined, patience);
    return { tools: list.tools.map(tool => tool.name), who: text(who), asked, wide: text(wide) };
  });
  await Promise.all(going);

  said.modern = await modern('accept', async client => {
    const { tools } = await client.listTools();
    await disconnect();
    const who = await client.callTool({ name: 'whoami', arguments: {} }, patience);
    return { tools: tools.length, who: text(who) };
  });
  said.modernDeclined = await modern('decline', async client => {
    await disconnect();
    return refused(client.callTool({ name: 'whoami', arguments: {} }, patience));
  });
  await Promise.all(going);
} catch (error) {
  said.error = `${error.stack}`;
}

console.log(JSON.stringify(said));
await browser.close();
process.exit(said.error ? 1 : 0);
