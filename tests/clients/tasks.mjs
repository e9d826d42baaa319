// Uses the pages of tasks in a real browser: node tasks.mjs SIGN_IN_URL TOKEN SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';
import { KEY, startModel } from './scripted-model.mjs';

const [signIn, token, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage();
const result = { problems: [], steps: [] };
page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || result.problems.push(String(error)));
page.on('console', message => message.type() === 'error' && result.problems.push(message.text()));
const shot = name => page.screenshot({ path: `${folder}/tasks-${name}.png`, fullPage: true });
const step = name => result.steps.push(name);
const model = await startModel();
const api = async (method, path, body) => {
  const response = await fetch(origin + path, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path} ${response.status} ${await response.text()}`);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
};
const provider = await api('POST', '/api/model-providers', { id: 'tasks-page', kind: 'openai', baseURL: model.url, apiKey: KEY });
const policy = await api('POST', '/api/model-access-policies', { displayName: 'tasks page', subjects: [{ type: 'selector', id: '*' }], models: [{ id: 'tasks-page*' }] });

try {
  await page.goto(signIn);
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  await page.goto(`${origin}/tasks`);
  await page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
  await shot('none');
  step('none');
  await page.getByRole('link', { name: 'Make your first task' }).click();
  await page.getByLabel('Name').fill('Morning news');
  await page.getByLabel('Prompt').fill('Tell {{who}} what is new');
  await page.getByLabel('Default of who (optional)').waitFor();
  await page.getByLabel('Schedule (optional)').fill('every morning');
  await page.getByRole('button', { name: 'Make task' }).click();
  await page.getByRole('alert').getByText('Must be cron').waitFor();
  await shot('refused');
  step('refused');
  await page.getByLabel('Schedule (optional)').fill('0 9 * * 1-5');
  await page.getByLabel('Default of who').fill('the team');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByRole('button', { name: 'Make task' }).click();
  await page.getByRole('heading', { name: 'Morning news' }).waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByText('done', { exact: true }).waitFor();
  await shot('run');
  step('run');
  await page.goto(`${origin}/tasks`);
  await page.getByText('next', { exact: false }).first().waitFor();
  await shot('list');
  await page.locator('.project-chats').getByRole('link', { name: 'Morning news' }).click();
  await page.locator('.project-chats a').first().click();
  await page.getByText('Tell the team what is new').first().waitFor();
  step('conversation');
  await page.goto(`${origin}/tasks`);
  await page.locator('.project-chats').getByRole('link', { name: 'Morning news' }).click();
  await page.getByLabel('More about this task').click();
  await page.getByText('Delete', { exact: true }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
  step('deleted');
} catch (error) {
  result.problems.push(String(error));
  await shot('broken');
}

await api('DELETE', `/api/model-providers/${provider.id}`);
await api('DELETE', `/api/model-access-policies/${policy.id}`);
await browser.close();
model.close?.();
console.log(JSON.stringify(result));
process.exit(0);
