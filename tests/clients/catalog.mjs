// The console's pages of the catalog in a real browser: node catalog.mjs SIGN_IN_URL FOLDER_OF_ENTRIES SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, entries, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const problems = [];
const foreign = [];
const result = {};
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || problems.push(String(error)));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
page.on('request', request => new URL(request.url()).protocol.startsWith('http') && new URL(request.url()).origin !== origin && foreign.push(request.url()));

const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
const picture = name => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
const dialog = page.getByRole('dialog');

try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));

  await page.goto(`${origin}/admin/catalogs`);
  await page.getByRole('button', { name: 'Add catalog' }).click();
  await dialog.getByLabel('Name (optional)').fill('Company catalog');
  await dialog.getByLabel('Sources, one a line').fill(entries);
  await dialog.getByRole('button', { name: 'Save and read' }).click();
  await page.getByText('Company catalog').waitFor();
  await page.getByText(/\d+ errors?, \d+ warnings?/).click();
  await page.getByText('broken.yaml').waitFor();
  await picture('catalog-1-sources');

  await page.getByRole('link', { name: 'Catalog' }).first().click();
  await page.getByText('Weather').first().waitFor();
  const icon = page.locator('.mud-grid-item').filter({ hasText: 'Weather' }).locator('img.obot-icon');
  await icon.waitFor();
  result.icon = await icon.evaluate(async image => { await image.decode(); return image.naturalWidth; });
  await picture('catalog-2-entries');
  await page.getByLabel('Search').fill('wether');
  await page.getByText('Echo').waitFor({ state: 'detached' });
  result.found = await page.locator('.mud-grid-item h6').allTextContents();
  await picture('catalog-3-search');
  await page.getByLabel('Search').fill('');
  await page.getByText('Echo').first().waitFor();

  const card = page.locator('.mud-grid-item').filter({ hasText: 'Echo' });
  await card.getByRole('button', { name: 'List tools' }).click();
  await card.getByText(/\d+ tools/).waitFor({ timeout: 60_000 });
  await card.getByText(/\d+ tools/).click();
  await picture('catalog-4-tools');
  await page.locator('.mud-grid-item').filter({ hasText: 'Weather' }).getByRole('button', { name: 'Connect' }).click();
  await dialog.getByText(/needs a value for API_KEY/).waitFor();
  await dialog.getByLabel(/API_KEY/).fill('secret');
  await dialog.getByLabel(/API_KEY/).press('Tab');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText(/needs a value/).waitFor({ state: 'detached' });
  result.vscode = await dialog.getByRole('link', { name: 'Add to VS Code' }).getAttribute('href');
  await picture('catalog-5-connect');
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  await page.getByRole('button', { name: 'Import' }).click();
  await dialog.getByLabel('Paste here').fill('{"mcpServers": {"files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/tmp"]}, "far": {"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer <token>"}}}}');
  await dialog.getByRole('button', { name: 'Look at it' }).click();
  await dialog.getByText('2 servers found').waitFor();
  await picture('catalog-6-import');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await page.locator('.mud-grid-item').filter({ hasText: 'files' }).first().waitFor();

  await page.goto(`${origin}/admin/changes`);
  await page.getByText('mcp-catalog-entries · files').first().waitFor();
  await picture('catalog-7-changes');

  await page.goto(`${origin}/admin/servers`);
  await page.locator('a[href*="admin/servers/"]').first().click();
  await page.getByRole('link', { name: 'Who changed what' }).click();
  await page.getByText(/^Of mcp-servers .* only\.$/).waitFor();
  result.history = await page.locator('tbody tr').count();
  await picture('catalog-7-history');

  await page.goto(`${origin}/admin/exports`);
  await page.getByRole('button', { name: 'New export' }).click();
  await dialog.getByLabel('Name (optional)').fill('last week');
  await picture('catalog-8-new-export');
  await dialog.getByRole('button', { name: 'Export' }).click();
  await page.locator('.mud-chip').filter({ hasText: 'Completed' }).first().waitFor();
  await page.getByRole('button', { name: 'Test' }).first().click();
  await page.getByText('works').first().waitFor();
  await picture('catalog-9-exports');

  await page.setViewportSize({ width: 390, height: 800 });
  result.tooWide = [];
  for (const path of ['/catalog', '/admin/catalogs', '/admin/changes', '/admin/exports']) {
    await page.goto(origin + path);
    await page.locator('.mud-progress-linear').waitFor({ state: 'detached' });
    await page.locator('h5').first().waitFor();
    await page.waitForTimeout(500);
    if (await isTooWide()) result.tooWide.push(path);
    await picture(`catalog-10-phone${path.replaceAll('/', '-')}`);
  }
} catch (error) {
  await picture('catalog-failed');
  result.error = String(error);
}

result.problems = problems;
result.foreign = foreign;
console.log(JSON.stringify(result));
await browser.close();
process.exit(result.error ? 1 : 0);
