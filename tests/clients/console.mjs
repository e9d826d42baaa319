// Drives the console in a real browser: node console.mjs SIGN_IN_URL SECOND_SILO_URL PACKAGE SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, second, name, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
const problems = [];
// Blazor says so of an event whose element a render replaced while the event was on its way; the page lives on, or the steps below fail
page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || problems.push(String(error)));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
const result = {};

try {
  await page.goto(signIn);
  const button = page.getByRole('button', { name: /sign in|continue/i });
  await page.waitForLoadState('networkidle');
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  await page.goto(new URL('/admin/servers', signIn).href);
  await page.getByRole('button', { name: /add server/i }).first().waitFor();
  await page.screenshot({ path: `${folder}/1-empty.png`, fullPage: true });
  result.codeUsedTwice = await (await browser.newContext()).newPage().then(async other => {
    await other.goto(signIn);
    await other.waitForLoadState('networkidle');
    const again = other.getByRole('button', { name: /sign in|continue/i });
    if (await again.count()) await again.first().click();
    await other.waitForTimeout(1000);
    return new URL(other.url()).pathname;
  });

  await page.getByRole('button', { name: /add server/i }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^name/i).first().fill('everything');
  await dialog.getByLabel(/package/i).first().fill(name);
  await page.screenshot({ path: `${folder}/2-add.png` });
  await dialog.getByRole('button', { name: /add|create|save/i }).last().click();
  const start = page.getByRole('button', { name: /^start/i }).first();
  await start.waitFor();
  await start.click();
  await page.getByText('Running', { exact: true }).first().waitFor({ timeout: 60000 });
  await page.screenshot({ path: `${folder}/3-running.png`, fullPage: true });

  await page.locator('a[href*="/admin/servers/"]').first().click();
  await page.getByText(/generation 1/).first().waitFor({ timeout: 15000 });
  await page.screenshot({ path: `${folder}/4-server.png`, fullPage: true });
  result.path = new URL(page.url()).pathname;

  // the second silo takes the first one's cookie: its page shows the same server without a new sign-in
  await page.goto(second + result.path);
  await page.getByText('Running', { exact: true }).first().waitFor({ timeout: 15000 });
  result.secondSilo = new URL(page.url()).pathname;

  await page.setViewportSize({ width: 390, height: 800 });
  await page.screenshot({ path: `${folder}/5-phone.png`, fullPage: true });
  await page.getByRole('button', { name: /^stop/i }).first().click();
  await page.getByText('Stopped', { exact: true }).first().waitFor({ timeout: 30000 });
  result.stopped = true;
} catch (error) {
  await page.screenshot({ path: `${folder}/failed.png`, fullPage: true });
  result.error = String(error);
}

result.problems = problems;
console.log(JSON.stringify(result));
await browser.close();
process.exit(result.error ? 1 : 0);
