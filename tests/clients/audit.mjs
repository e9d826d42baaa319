// Audit log and usage in a real browser: node audit.mjs SIGN_IN_URL SERVER_NAME SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, server, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const problems = [];
const result = { problems };
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || problems.push(String(error)));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
const picture = name => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  await page.goto(new URL('/admin/servers', signIn).href);

  await page.getByRole('link', { name: 'Audit log' }).first().click();
  await page.getByLabel('Search').fill(server);
  await page.waitForURL(url => url.searchParams.get('query') === server);
  await page.locator('td', { hasText: 'tools/call echo' }).first().waitFor();
  result.rows = await page.locator('tbody tr').count();
  await picture('audit-1-search');

  // the address holds the search: another circuit finds the same
  await page.reload();
  await page.locator('td', { hasText: 'tools/call echo' }).first().waitFor();
  result.rowsAgain = await page.locator('tbody tr').count();
  await page.getByLabel('Tool, prompt or URI').fill('no_such_tool_here');
  await page.getByText('No records').waitFor();
  await page.getByLabel('Tool, prompt or URI').fill('echo');
  await page.locator('td', { hasText: 'tools/call echo' }).first().waitFor();

  await page.locator('tbody tr', { hasText: 'tools/call echo' }).first().getByRole('link').click();
  await page.getByText('Client address').waitFor();
  result.bodiesHidden = await page.getByText('shown to auditors only').count() > 0;
  await picture('audit-2-record');

  await page.getByRole('link', { name: 'Usage' }).first().click();
  await page.getByRole('link', { name: server }).first().waitFor();
  await page.locator('.obot-bar').first().waitFor();
  await picture('audit-3-usage');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(300);
  result.tooWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  await picture('audit-4-narrow');
} catch (error) {
  problems.push(String(error));
  await picture('audit-failed').catch(() => {});
  process.exitCode = 1;
} finally {
  await browser.close();
}
console.log(JSON.stringify(result));
