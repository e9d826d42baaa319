// The console's pages of models in a real browser: node models.mjs SIGN_IN_URL UPSTREAM_URL API_KEY PREFIX SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, upstream, key, prefix, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const problems = [];
const result = {};
const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || problems.push(String(error)));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
/** A click that came before the circuit is lost: once more. */
async function openDialog(name) {
  for (let i = 0; i < 20 && !(await page.getByRole('dialog').count()); i++) {
    await page.getByRole('button', { name }).click();
    await page.getByRole('dialog').first().waitFor({ timeout: 2000 }).catch(() => {});
  }
}

const picture = name => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  const dialog = page.getByRole('dialog');

  await page.goto(`${origin}/admin/models`);
  await openDialog('Add provider');
  await dialog.getByLabel('Id', { exact: true }).fill(prefix);
  await dialog.getByLabel('Address').fill(upstream);
  await dialog.getByLabel('API key').fill('sk-wrong');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('refused them').waitFor();
  await picture('models-1-refused');
  await dialog.getByLabel('API key').fill(key);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('heading', { name: prefix }).waitFor();
  await page.locator('#models').getByText('gpt-test-mini').first().waitFor();
  result.secretShown = (await page.content()).includes(key);
  await picture('models-2-providers');

  await page.goto(`${origin}/admin/model-policies`);
  await openDialog('New policy');
  await dialog.getByLabel('Name').fill(`${prefix} for all`);
  for (let i = 0; i < 10 && (await dialog.getByLabel('Models').inputValue()) === ''; i++) {
    await dialog.getByLabel('Models').pressSequentially(`${prefix}/*`);
    await page.waitForTimeout(500);
  }

  await dialog.getByLabel('Who').click();
  await page.locator('.mud-popover-open .mud-list-item').filter({ hasText: 'Everyone' }).first().click();
  for (let i = 0; i < 10 && await page.locator('.mud-popover-open').count(); i++) {
    // a list of many choices stays open until it is left, and may lie over the button
    const box = await dialog.boundingBox();
    await page.mouse.click(box.x + 20, box.y + 20);
    await page.waitForTimeout(500);
  }

  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: `${prefix} for all` }).waitFor();
  await picture('models-3-policies');

  await page.goto(`${origin}/admin/message-policies`);
  await openDialog('New policy');
  await dialog.getByLabel('Name').fill(`${prefix} says`);
  await dialog.getByLabel('What it stops').click();
  await page.locator('.mud-popover-open .mud-list-item').filter({ hasText: 'Patterns' }).first().click();
  await dialog.getByLabel('Models').fill(`${prefix}/*`);
  await dialog.getByLabel('Patterns').fill('(?=never)');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('look-around and back-references:').waitFor();
  await picture('models-5-message-policy-refused');
  await dialog.getByLabel('Patterns').fill('(?i)project zeus');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: 'what matches (?i)project zeus' }).waitFor();
  await picture('models-6-message-policies');

  await page.goto(`${origin}/admin/llm-usage`);
  await openDialog('New budget');
  await dialog.getByLabel('Name').fill(`${prefix} budget`);
  await dialog.getByLabel('Tokens in a period').fill('1000000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: `${prefix} budget` }).waitFor();
  await picture('models-4-usage');
  result.done = true;
} catch (error) {
  problems.push(String(error));
  await picture('models-failed').catch(() => {});
} finally {
  console.log(JSON.stringify({ ...result, problems }));
  await browser.close();
}
