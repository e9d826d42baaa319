// The console's pages of users in a real browser: node users.mjs SIGN_IN_URL KEY_OF_A_BASIC_USER SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, basicKey, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const problems = [];
const result = {};
let page = await open(1280, 900);

async function open(width, height) {
  const context = await browser.newContext({ viewport: { width, height } });
  const opened = await context.newPage();
  // Blazor says so of an event whose element a render replaced while the event was on its way; the page lives on, or the steps below fail
  opened.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || problems.push(String(error)));
  opened.on('console', message => message.type() === 'error' && problems.push(message.text()));
  return opened;
}

/** Whether the page can be scrolled sideways: something is wider than the screen. */
const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
const picture = name => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  await page.goto(origin + '/admin/servers');

  await page.getByRole('link', { name: 'Service accounts' }).first().click();
  await page.getByRole('button', { name: 'New service account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^name/i).first().fill('nightly report');
  await picture('users-1-new-account');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'nightly report' }).waitFor();
  result.account = new URL(page.url()).pathname;

  await page.getByRole('button', { name: 'New key' }).click();
  await dialog.getByLabel(/^name/i).first().fill('cron');
  await picture('users-2-new-key');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('it is not shown again').waitFor();
  result.key = (await page.locator('.mud-alert .obot-url').innerText()).startsWith('obot_');

  await page.getByRole('link', { name: 'Groups' }).first().click();
  await page.getByText('No groups yet').waitFor();
  await picture('users-3-no-groups');
  await page.getByLabel('New group').fill('reporters');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('link', { name: 'reporters' }).click();
  await page.getByLabel('Add a member').pressSequentially('nightly', { delay: 40 });
  await page.locator('.mud-popover-open .mud-list-item').filter({ hasText: 'nightly report' }).first().click();
  await page.getByRole('link', { name: 'nightly report' }).waitFor();
  await picture('users-4-group');

  await page.getByRole('link', { name: 'nightly report' }).click();
  await page.getByRole('heading', { name: 'nightly report' }).waitFor();
  await page.locator('.mud-chip').filter({ hasText: 'reporters' }).waitFor();
  await page.getByRole('switch', { name: /enabled/i }).or(page.getByLabel(/enabled: may sign in/i)).first().click();
  await page.locator('.mud-chip').filter({ hasText: 'disabled' }).waitFor();
  result.disabled = true;
  await page.getByRole('button', { name: 'Take out of reporters' }).click();
  await page.getByText('In no group').waitFor();
  await page.getByLabel('Add to a group').click();
  await page.locator('.mud-popover-open .mud-list-item').filter({ hasText: 'reporters' }).first().click();
  await page.getByRole('button', { name: 'Take out of reporters' }).waitFor();
  await picture('users-5-user');

  await page.getByRole('link', { name: 'Users', exact: true }).first().click();
  await page.getByText('Nobody has signed in yet').waitFor();
  await picture('users-6-users');
  await page.getByRole('button', { name: 'New local account' }).click();
  await dialog.getByLabel('User name').fill('dora');
  await dialog.getByLabel('Name', { exact: true }).fill('Dora Local');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('It is not shown again').waitFor();
  const link = await page.locator('.mud-alert .obot-url').innerText();
  result.passwordLink = await page.request.get(link).then(async answer => answer.ok() && /Set the password of/.test(await answer.text()));
  await picture('users-6-local-account');
  await page.getByRole('link', { name: 'Dora Local' }).click();
  await page.getByRole('button', { name: 'New password link' }).click();
  await page.getByText('It is not shown again').waitFor();
  result.laterLink = (await page.locator('.mud-alert .obot-url').innerText()) !== link;
  await picture('users-6-password');

  await page.getByRole('link', { name: 'API keys' }).first().click();
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog.getByLabel(/^name/i).first().fill('laptop');
  await dialog.getByLabel('Servers').click();
  await page.locator('.mud-popover-open .mud-list-item').filter({ hasText: 'wiki' }).first().click();
  for (let i = 0; i < 10 && await page.locator('.mud-popover-open').count(); i++) {
    // a list of many choices stays open until it is left
    const box = await dialog.boundingBox();
    await page.mouse.click(box.x + 20, box.y + 20);
    await page.waitForTimeout(500);
  }

  await picture('users-7-own-key');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('it is not shown again').waitFor();

  await page.goto(origin + '/sessions');
  await page.getByText('Connected applications').waitFor();
  await page.getByText('MCP clients that sign you in by this browser').waitFor();
  await picture('users-7-account');
  await page.goBack();
  await page.locator('td[data-label=Servers]').first().waitFor();
  result.boundTo = await page.locator('td[data-label=Servers]').first().innerText();

  await page.setViewportSize({ width: 390, height: 800 });
  result.tooWide = [];
  for (const path of ['/api-keys', '/admin/users', '/admin/groups', '/admin/service-accounts', result.account]) {
    await page.goto(origin + path);
    await page.locator('.mud-progress-linear').waitFor({ state: 'detached' });
    await page.locator('h5').first().waitFor();
    await page.waitForTimeout(500);
    if (await isTooWide()) result.tooWide.push(path);
    await picture(`users-8-phone${path.replaceAll('/', '-').replace(/su1.*/, 'account')}`);
  }
  await page.getByRole('button', { name: 'Pages' }).click();
  await page.getByRole('link', { name: 'Groups' }).first().waitFor();
  await picture('users-9-phone-menu');

  // someone without a role for it neither sees the entries nor gets the pages by their addresses
  page = await open(1280, 900);
  await page.goto(origin + '/login');
  if (!await page.locator('#token').isVisible()) await page.locator('details summary').click();
  await page.locator('#token').fill(basicKey);
  await page.getByRole('button', { name: 'Sign in with token' }).click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  await page.goto(origin + '/admin/servers');
  await page.getByRole('link', { name: 'API keys' }).first().waitFor();
  result.entriesOfBasic = (await page.locator('nav a').allTextContents()).map(text => text.trim()).filter(Boolean);
  result.refused = [];
  for (const path of ['/admin/users', result.account, '/admin/groups', '/admin/service-accounts']) {
    await page.goto(origin + path);
    await page.getByText("needs role 'admin' or 'owner'").first().waitFor();
    result.refused.push(path);
  }
  await picture('users-10-refused');
} catch (error) {
  await page.screenshot({ path: `${folder}/users-failed.png`, fullPage: true });
  result.error = String(error);
}

result.problems = problems;
console.log(JSON.stringify(result));
await browser.close();
process.exit(result.error ? 1 : 0);
