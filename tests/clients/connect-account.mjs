// A person connects an account in a real browser: node connect-account.mjs SIGN_IN_URL SERVER_PAGE SCREENSHOT_FOLDER
// Signs in at the console, presses the button on the server's page, signs in and agrees on the third party's own pages, comes back, and disconnects.
import { chromium } from 'playwright-core';

const [signIn, serverPage, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
page.setDefaultTimeout(60000);
const result = { hosts: [] };
page.on('framenavigated', frame => frame === page.mainFrame() && result.hosts.push(new URL(frame.url()).host));
try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));

  await page.goto(serverPage);
  await page.getByRole('button', { name: 'Connect your account' }).click();
  await page.locator('[name=login]').fill('dora');
  await page.locator('[name=password]').fill('any');
  await page.screenshot({ path: `${folder}/1-third-party.png` });
  await page.locator('button[type=submit]').click();
  await page.waitForURL(/interaction/);
  await page.locator('button[type=submit]').first().click();
  await page.waitForURL(serverPage);
  await page.getByText('Connected', { exact: true }).first().waitFor();
  await page.screenshot({ path: `${folder}/2-connected.png`, fullPage: true });
  result.connected = true;
  console.log(JSON.stringify(result));

  // the test calls as this person now; then it says so
  await new Promise(done => process.stdin.once('data', done));
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText('Not connected', { exact: true }).first().waitFor();
  await page.screenshot({ path: `${folder}/3-disconnected.png`, fullPage: true });
  result.disconnected = true;
} catch (error) {
  await page.screenshot({ path: `${folder}/failed.png`, fullPage: true });
  result.error = `${error}`;
}

console.log(JSON.stringify(result));
await browser.close();
process.exit(result.error ? 1 : 0);
