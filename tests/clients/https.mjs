// Sign-in behind a proxy that speaks https, the provider answering by a form of its own: node https.mjs PUBLIC_URL TOKEN SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';
import { client, startOidc } from './idp.mjs';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the certificate is of this run
const [url, token, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const idp = await startOidc([`${url}/signin/company/callback`]);
const seen = {};
try {
  const made = await fetch(`${url}/api/auth-providers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      id: 'company', name: 'Company', clientSecret: client.secret,
      settings: { preset: 'oidc', presetValues: { issuer: idp.issuer }, clientId: client.id, scopes: ['openid', 'profile', 'email', 'groups'], responseMode: 'form_post' },
    }),
  });
  seen.created = made.status;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.on('request', request => {
    if (request.url().startsWith(`${url}/signin/company/callback`)) seen.callback = { method: request.method(), query: new URL(request.url()).search };
  });
  await page.goto(`${url}/login`);
  await page.getByRole('link', { name: 'Sign in with Company' }).click();
  await page.locator('input[name=login]').fill('alice');
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]', { hasText: /continue/i }).click();
  await page.getByRole('link', { name: 'Alice Example' }).waitFor({ timeout: 20000 });
  await page.screenshot({ path: `${folder}/https.png` });
  seen.cookies = (await context.cookies(url)).map(({ name, secure, httpOnly, path, domain }) => ({ name, secure, httpOnly, path, domain }));
  const cookie = seen.cookies.find(one => /obot-session-/.test(one.name));
  const value = (await context.cookies(url)).find(one => one.name === cookie.name).value;
  const mine = await (await fetch(`${url}/api/sessions`, { headers: { cookie: `${cookie.name}=${value}` } })).json();
  seen.clientIp = mine.items[0].clientIp;
} catch (error) {
  seen.error = String(error.stack);
}

console.log(JSON.stringify(seen));
await browser.close();
idp.close();
process.exit(seen.error ? 1 : 0);
