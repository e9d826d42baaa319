// Files in the chat: node files.mjs SIGN_IN_URL PROJECT_ID MODEL SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';

const [signIn, project, model, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
page.setDefaultTimeout(20000);
const result = { problems: [], steps: [] };
page.on('pageerror', error => result.problems.push(String(error)));
page.on('console', message => message.type() === 'error' && result.problems.push(message.text()));
const shot = name => page.screenshot({ path: `${folder}/${name}.png` });
const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC', 'base64');
const chips = page.locator('.attachment');

try {
  await page.goto(signIn);
  await page.getByRole('button', { name: 'Sign in' }).click().catch(() => {});
  await page.waitForURL(url => !url.pathname.includes('sign-in'));
  await page.goto(`${origin}/?project=${project}`);
  await page.locator('#composer').waitFor();
  await page.waitForTimeout(1000);
  await page.getByLabel('Model', { exact: true }).selectOption(model).catch(() => {});

  const input = page.locator('.composer input[type=file]');
  await input.setInputFiles([{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('remember the milk') }]);
  await chips.filter({ hasText: 'notes.txt' }).waitFor();
  result.steps.push('attached');

  const transfer = await page.evaluateHandle(bytes => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
    return data;
  }, [...picture]);
  await page.dispatchEvent('.composer', 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent('.composer', 'drop', { dataTransfer: transfer });
  await chips.filter({ hasText: 'dropped.png' }).waitFor();
  result.steps.push('dropped');

  await page.evaluate(bytes => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
    document.querySelector('#composer').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...picture]);
  await chips.filter({ hasText: 'dropped (2).png' }).waitFor();
  result.steps.push('pasted');
  await shot('files-1-attached');

  await input.setInputFiles([{ name: 'trap.png', mimeType: 'image/png', buffer: Buffer.from('<script>alert(1)</script>') }]);
  await page.locator('.attachment.trouble').filter({ hasText: 'trap.png' }).waitFor();
  await shot('files-2-refused');
  result.steps.push('refused');

  await page.locator('#composer').fill('tool write_file {"path":"reply.md","content":"# Done"}');
  await page.locator('#composer').press('Enter');
  await page.waitForURL(/\/chat\//);
  await page.locator('.from-user .file').nth(2).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('.from-user .file img')].filter(one => one.naturalWidth === 10).length === 2);
  await page.locator('.chat-status').filter({ hasText: 'The answer is complete' }).waitFor({ state: 'attached' });
  await shot('files-3-sent');
  result.steps.push('sent');

  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.from-user .file').filter({ hasText: 'notes.txt' }).click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  if (Buffer.concat(chunks).toString() === 'remember the milk' && download.suggestedFilename() === 'notes.txt') result.steps.push('downloaded');

  await page.getByRole('button', { name: 'Files', exact: true }).click();
  const dialog = page.locator('.mud-dialog').first();
  await dialog.locator('.files li').filter({ hasText: 'reply.md' }).waitFor();
  await page.waitForTimeout(400);
  await shot('files-4-list');
  if (await dialog.locator('.files li').count() === 4) result.steps.push('listed');
  await dialog.getByRole('button', { name: 'Delete notes.txt' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.locator('.files li').filter({ hasText: 'notes.txt' }).waitFor({ state: 'detached' });
  result.steps.push('deleted');

  await page.goto(`${origin}/projects/${project}`);
  await page.getByText('No files yet').waitFor();
  await page.getByText('No files yet').scrollIntoViewIfNeeded();
  await shot('files-5-project-empty');
  await page.locator('.project input[type=file]').setInputFiles([{ name: 'handbook.md', mimeType: 'text/markdown', buffer: Buffer.from('# Handbook') }]);
  await page.locator('.files li').filter({ hasText: 'handbook.md' }).waitFor();
  await shot('files-6-project');
  result.steps.push('project');

  await page.setViewportSize({ width: 390, height: 800 });
  await page.goBack();
  await page.locator('.from-user .file').first().waitFor();
  await page.waitForTimeout(500);
  await shot('files-7-phone');
  if (await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)) result.steps.push('phone');
} catch (error) {
  result.problems.push(String(error));
  await shot('files-9-failed').catch(() => {});
}

console.log(JSON.stringify(result));
await browser.close();
