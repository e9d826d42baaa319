// A page of MCP Apps in the chat: node apps.mjs SIGN_IN_URL TOKEN SERVER_ID SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';
import { createServer } from 'node:http';
import { KEY, startModel } from './scripted-model.mjs';

const [signIn, token, server, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const beacons = [];
const stranger = createServer((request, response) => { beacons.push(request.url); response.setHeader('access-control-allow-origin', '*'); response.end('x'); });
await new Promise(done => stranger.listen(0, '127.0.0.1', done));
const away = `http://127.0.0.1:${stranger.address().port}`;
const model = await startModel();
const api = async (method, path, body) => {
  const response = await fetch(origin + path, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
};

const provider = `apps-${Date.now()}`;
await api('POST', '/api/model-providers', { id: provider, kind: 'openai', baseURL: model.url, apiKey: KEY, settings: {} });
const policy = await api('POST', '/api/model-access-policies', { displayName: provider, subjects: [{ type: 'selector', id: '*' }], models: [{ id: `${provider}*` }] });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
const result = {};
const shot = name => page.screenshot({ path: `${folder}/${name}.png` });
try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  const thread = await api('POST', '/api/threads', { model: `${provider}/scripted-large` });
  await api('PATCH', `/api/threads/${thread.id}`, { servers: [server] });
  await page.goto(`${origin}/chat/${thread.id}`);
  await page.locator('[data-send]').waitFor();
  await page.locator('#composer').fill(`What time is it? [call clock_live {"away": "${away}"}]`);
  await page.locator('#composer').press('Enter');
  await page.getByRole('button', { name: 'Allow once' }).click({ timeout: 90000 });
  const show = page.getByRole('button', { name: 'Show the page of app pages' });
  await show.waitFor({ timeout: 60000 });
  await page.locator('.chat-status').filter({ hasText: 'The answer is complete' }).waitFor({ state: 'attached', timeout: 60000 });
  result.before = await page.locator('iframe').count();
  await shot('01-offered');
  await show.click();
  const inside = page.frameLocator('.tool-app iframe');
  await inside.locator('#seen').filter({ hasText: '"done"' }).waitFor({ timeout: 30000 });
  result.time = await inside.locator('#time').innerText();
  result.height = await page.locator('.tool-app iframe').evaluate(one => one.clientHeight + 2);
  await page.waitForTimeout(1000);
  await shot('02-shown');

  // only pages of the web, and only with the person's consent
  await inside.locator('#script-link').click();
  await inside.locator('#seen').filter({ hasText: '"script"' }).waitFor();
  await inside.locator('#link').click();
  await page.locator('.ask-dialog').waitFor();
  result.asked = await page.locator('.ask-dialog').innerText();
  await shot('03-asks');
  await page.locator('.ask-dialog').getByRole('button', { name: 'Cancel' }).click();
  await inside.locator('#seen').filter({ hasText: '"link"' }).waitFor();
  result.seen = JSON.parse(await inside.locator('#seen').textContent());
  result.hacked = await page.evaluate(() => window.hacked ?? null);
  result.stayed = new URL(page.url()).pathname === `/chat/${thread.id}`;

  // opened without its frame it has no origin either
  const path = await page.locator('.tool-app iframe').getAttribute('src');
  const alone = await context.newPage();
  result.policy = (await alone.goto(origin + path)).headers()['content-security-policy'];
  result.alone = await alone.evaluate(() => origin);
  await alone.close();

  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(500);
  result.phoneOverflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await shot('04-phone');
  await page.setViewportSize({ width: 1280, height: 860 });

  // it cannot take what it was told elsewhere
  await inside.locator('#leave').click();
  await page.getByText('The page went elsewhere and was closed.').waitFor({ timeout: 15000 });
  await shot('05-left');
  result.beacons = beacons;
} catch (error) {
  await shot('99-failed').catch(() => {});
  throw error;
} finally {
  await api('DELETE', `/api/model-access-policies/${policy.id}`).catch(() => {});
  await api('DELETE', `/api/model-providers/${provider}`).catch(() => {});
  await browser.close();
  model.close();
  stranger.close();
}
console.log(JSON.stringify(result));
process.exit(0);
