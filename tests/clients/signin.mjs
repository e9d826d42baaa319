// People sign in, in a real browser at a real identity provider: node signin.mjs URL SECOND_URL BOOTSTRAP_TOKEN SCREENSHOT_FOLDER
// Prints one line of JSON: what was seen, for the test to judge.
import { chromium } from 'playwright-core';
import { client, people, startGitHub, startOidc } from './idp.mjs';

const [one, two, token, folder] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const idp = await startOidc(['company', 'domains', 'tried'].map(id => `${one}/signin/${id}/callback`));
const gitHub = await startGitHub();
const seen = { problems: [] };

const api = async (method, path, body, base = one) => {
  const response = await fetch(base + path, {
    method, headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
};
const draft = (id, more = {}, secret = client.secret) => ({
  id, name: more.name, clientSecret: secret,
  settings: { preset: 'oidc', presetValues: { issuer: idp.issuer }, clientId: client.id, scopes: ['openid', 'profile', 'email', 'groups'], ...more.settings },
});
const visitor = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on('pageerror', error => String(error).includes("invoking 'DispatchEventAsync'") || seen.problems.push(String(error)));
  return { context, page };
};
const sessionCookie = async context => (await context.cookies()).find(cookie => /obot-session-/.test(cookie.name));
const apiAs = (cookie, base = one) => fetch(`${base}/api/sessions`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
const alert = page => page.getByRole('alert').first().innerText();

/** From the IdP's login page back to us. */
const atIdp = async (page, who) => {
  await page.locator('input[name=login]').fill(who);
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]', { hasText: /continue/i }).click();
};
const signIn = async (page, who, provider = 'Company', base = one) => {
  await page.goto(`${base}/login`);
  await page.getByRole('link', { name: `Sign in with ${provider}` }).click();
  await atIdp(page, who);
};
const home = page => page.waitForURL(url => url.origin === one && url.pathname === '/', { timeout: 20000 });
const signOut = async page => {
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL(/\/login/);
};

const steps = {
  async login() {
    const { page } = await visitor();
    const response = await page.goto(`${one}/login`);
    const headers = response.headers();
    seen.headers = { frame: headers['x-frame-options'], policy: headers['content-security-policy'], cache: headers['cache-control'] };
    await page.screenshot({ path: `${folder}/1-first-start.png` });
  },
  async provider() {
    seen.tested = (await api('POST', '/api/auth-providers/test', draft('company'))).body;
    seen.testedWrongSecret = (await api('POST', '/api/auth-providers/test', draft('company', {}, 'wrong'))).body;
    seen.testedNobody = (await api('POST', '/api/auth-providers/test', draft('company', { settings: { presetValues: { issuer: 'http://127.0.0.1:9' } } }))).body;
    seen.created = await api('POST', '/api/auth-providers', draft('company', { name: 'Company' }));
    const begun = await fetch(`${two}/signin/company`, { redirect: 'manual' });
    seen.secondSilo = { status: begun.status, location: begun.headers.get('location'), issuer: idp.issuer };
  },
  async oidc() {
    const { context, page } = await visitor();
    await page.goto(`${one}/login?returnUrl=${encodeURIComponent('/sessions')}`);
    await page.screenshot({ path: `${folder}/2-login.png` });
    await page.getByRole('link', { name: 'Sign in with Company' }).click();
    await atIdp(page, 'alice');
    await page.getByText('this one').waitFor({ timeout: 20000 });
    await page.screenshot({ path: `${folder}/3-sessions.png` });
    const cookie = await sessionCookie(context);
    seen.cookie = { name: cookie.name, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path, size: cookie.value.length };
    seen.api = await Promise.all([one, two].map(async base => (await apiAs(cookie, base)).status));
    await page.goto(`${two}/sessions`);
    await page.getByText('this one').waitFor({ timeout: 15000 });
    seen.name = await page.getByRole('link', { name: 'Alice Example' }).innerText();
    await page.goto(`${one}/sessions`);
    await page.getByText('this one').waitFor();

    const mine = await (await apiAs(cookie)).json();
    seen.session = { count: mine.items.length, current: mine.items[0].current, provider: mine.items[0].providerId, agent: mine.items[0].userAgent.length > 0, ip: mine.items[0].clientIp };
    const userId = mine.items[0].userId;
    const began = Date.now();
    seen.revoked = { status: (await api('DELETE', `/api/users/${userId}/sessions/${mine.items[0].id}`)).status };
    const refused = async base => {
      while ((await apiAs(cookie, base)).status !== 401) if (Date.now() - began > 10000) return -1;
      return Date.now() - began;
    };
    const closed = page.waitForURL(/\/login/, { timeout: 10000 }).then(() => Date.now() - began, () => -1);
    [seen.revoked.first, seen.revoked.second, seen.revoked.page] = await Promise.all([refused(one), refused(two), closed]);
  },
  async signOut() {
    const { context, page } = await visitor();
    await signIn(page, 'alice');
    await home(page);
    const cookie = await sessionCookie(context);
    await signOut(page);
    seen.signedOut = { api: (await apiAs(cookie)).status, cookie: (await sessionCookie(context)) === undefined };
  },
  async groups() {
    const groupsOf = async () => {
      const { context, page } = await visitor({ extraHTTPHeaders: { 'x-forwarded-for': '203.0.113.9' } });
      await signIn(page, 'bob');
      await home(page);
      const mine = (await (await apiAs(await sessionCookie(context))).json()).items[0];
      seen.claimedAddress = mine.clientIp;
      await signOut(page);
      return (await api('GET', `/api/users/${mine.userId}`)).body.groups.map(group => group.name).sort();
    };
    const before = await groupsOf();
    people.bob.groups = ['designers'];
    seen.groups = { before, after: await groupsOf() };
  },
  async fixation() {
    const attacker = await visitor();
    await signIn(attacker.page, 'bob');
    await home(attacker.page);
    const planted = await sessionCookie(attacker.context);
    const victim = await visitor();
    await victim.context.addCookies([{ name: planted.name, value: planted.value, url: one }]);
    await victim.page.goto(`${one}/signin/company`);
    await atIdp(victim.page, 'alice');
    await home(victim.page);
    const own = await sessionCookie(victim.context);
    seen.fixation = { changed: own.value !== planted.value, planted: (await apiAs(planted)).status, own: (await apiAs(own)).status };
  },
  async domains() {
    await api('POST', '/api/auth-providers', draft('domains', { name: 'Domains', settings: { allowedEmailDomains: ['corp.example'] } }), two);
    const { context, page } = await visitor();
    await signIn(page, 'alice', 'Domains');
    await page.waitForURL(/\/login\?failed=domain/);
    seen.domain = { text: await alert(page), cookie: (await sessionCookie(context)) === undefined };
    await page.screenshot({ path: `${folder}/4-domain.png` });
  },
  async denied() {
    const { page } = await visitor();
    await page.goto(`${one}/signin/company`);
    await page.getByRole('link', { name: /cancel/i }).click();
    await page.waitForURL(/\/login\?failed/);
    seen.denied = await alert(page);
    const forged = await fetch(`${one}/signin/company/callback?error=%3Cscript%3E&error_description=buy%20things&state=made-up`, { redirect: 'manual' });
    seen.forgedState = forged.headers.get('location');
  },
  async loginCsrf() {
    const attacker = await visitor();
    let callback;
    attacker.page.on('request', request => { if (request.url().includes('/signin/company/callback')) callback = request.url(); });
    await attacker.page.goto(`${one}/signin/company`);
    await attacker.page.locator('input[name=login]').fill('bob');
    await attacker.page.locator('input[name=password]').fill('anything');
    await attacker.page.locator('button[type=submit]').click();
    await attacker.page.locator('button[type=submit]', { hasText: /continue/i }).waitFor();
    // the attacker does not spend the code: without its correlation cookie the own browser is refused too
    await attacker.context.clearCookies({ name: /correlation/ });
    await attacker.page.locator('button[type=submit]', { hasText: /continue/i }).click();
    await attacker.page.waitForURL(/\/login\?failed/);
    const victim = await visitor();
    await victim.page.goto(callback);
    seen.loginCsrf = { path: victim.page.url().slice(one.length), text: await alert(victim.page), cookie: (await sessionCookie(victim.context)) === undefined };
    const posted = await fetch(`${one}/session/local`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'userName=a&password=b' });
    seen.formWithoutToken = posted.status;
  },
  async local() {
    const made = await api('POST', '/api/local-accounts', { userName: 'Carol', name: 'Carol Local', role: 'basic' });
    seen.localMade = { status: made.status, role: made.body.role };
    const carol = await visitor();
    await carol.page.goto(made.body.setPasswordUrl);
    const fill = async (page, words, again = words) => {
      await page.getByLabel(/new password/i).fill(words);
      await page.getByLabel('Once more').fill(again);
    };
    await fill(carol.page, 'carol-carol-carol');
    await carol.page.screenshot({ path: `${folder}/5-set-password.png` });
    await carol.page.getByRole('button', { name: /set password/i }).click();
    seen.localWeak = await alert(carol.page);
    await fill(carol.page, 'correct horse battery');
    await carol.page.getByRole('button', { name: /set password/i }).click();
    await home(carol.page);
    seen.linkTwice = await fetch(made.body.setPasswordUrl).then(answer => answer.text()).then(text => /used already/.test(text));
    await signOut(carol.page);

    const enter = async (page, words, returnUrl = '/') => {
      await page.goto(`${one}/login?returnUrl=${encodeURIComponent(returnUrl)}`);
      await page.getByLabel('User name').fill('carol');
      await page.getByLabel('Password', { exact: true }).fill(words);
      await page.getByRole('button', { name: 'Sign in with password' }).click();
      await page.waitForLoadState('load');
    };
    await enter(carol.page, 'wrong horse battery');
    seen.localWrong = await alert(carol.page);
    const targets = ['//evil.example', '/\\evil.example', 'https://evil.example/', '/\t/evil.example', '///evil.example', 'javascript:alert(1)', '\\\\evil.example'];
    seen.openRedirect = [];
    for (const target of targets) {
      await enter(carol.page, 'correct horse battery', target);
      seen.openRedirect.push(carol.page.url());
      await carol.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
      await signOut(carol.page);
    }

    // strangers who guess slow each other down; the browser that Carol has used before stays hers
    const strangers = await visitor();
    const told = [];
    for (let i = 0; i < 7; i++) {
      await enter(strangers.page, `wrong horse ${i}`);
      told.push(new URL(strangers.page.url()).searchParams.get('failed'));
    }
    seen.lockout = told;
    await enter(carol.page, 'correct horse battery');
    await home(carol.page);
    seen.lockoutKnownBrowser = (await sessionCookie(carol.context)) !== undefined;

    const elsewhere = await visitor();
    const state = await carol.context.storageState();
    const device = state.cookies.filter(cookie => /device/.test(cookie.name));
    await elsewhere.context.addCookies(device);
    await enter(elsewhere.page, 'correct horse battery');
    await home(elsewhere.page);
    const before = [await sessionCookie(carol.context), await sessionCookie(elsewhere.context)];
    await carol.page.goto(`${one}/sessions`);
    await carol.page.getByLabel('Present password').fill('correct horse battery');
    await fill(carol.page, 'staple lamp violin');
    await carol.page.screenshot({ path: `${folder}/6-change-password.png`, fullPage: true });
    await carol.page.getByRole('button', { name: 'Change password' }).click();
    await carol.page.getByText('The password was changed').waitFor({ timeout: 15000 });
    const after = await sessionCookie(carol.context);
    seen.changed = { old: await Promise.all(before.map(async cookie => (await apiAs(cookie, two)).status)), own: (await apiAs(after, two)).status };
  },
  async gitHub() {
    seen.gitHubCreated = (await api('POST', '/api/auth-providers', {
      id: 'gh', name: 'Our GitHub', clientSecret: client.secret, settings: { preset: 'github', presetValues: { url: gitHub.url }, clientId: client.id },
    })).status;
    const begun = await fetch(`${one}/signin/gh`, { redirect: 'manual', headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' } });
    const asked = new URL(begun.headers.get('location')).searchParams;
    seen.asked = { redirectUri: asked.get('redirect_uri'), pkce: asked.get('code_challenge_method'), scope: asked.get('scope') };
    const { page } = await visitor();
    await page.goto(`${one}/login`);
    await page.getByRole('link', { name: 'Sign in with Our GitHub' }).click();
    await home(page);
    await page.getByRole('link', { name: 'Octo Cat' }).waitFor({ timeout: 15000 });
    seen.gitHub = await page.getByRole('link', { name: 'Octo Cat' }).innerText();
  },
  async console() {
    const link = (await api('POST', '/api/sign-in-codes')).body.url;
    const { page, context } = await visitor();
    await page.goto(link);
    await home(page);
    await page.goto(`${one}/admin/sign-in`);
    await page.getByText('Our GitHub').first().waitFor({ timeout: 15000 });
    await page.screenshot({ path: `${folder}/7-providers.png`, fullPage: true });
    await page.getByRole('button', { name: 'Add provider' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Id', { exact: true }).fill('tried');
    await dialog.getByLabel('Issuer URL').fill(idp.issuer);
    await dialog.getByLabel('Client ID').fill(client.id);
    await dialog.getByLabel('Client secret').fill(client.secret);
    await dialog.getByLabel('Scopes').fill('openid profile email groups');
    await dialog.getByRole('button', { name: 'Test', exact: true }).click();
    await dialog.getByText('Client id and secret').waitFor({ timeout: 20000 });
    await page.screenshot({ path: `${folder}/8-test.png` });
    const [tab] = await Promise.all([context.waitForEvent('page'), dialog.getByRole('link', { name: 'Test sign-in' }).click()]);
    await atIdp(tab, 'alice');
    await tab.locator('#outcome').waitFor({ timeout: 15000 });
    seen.trial = { outcome: await tab.locator('#outcome').innerText(), groups: await tab.locator('#groups').innerText(), claims: await tab.locator('pre').innerText() };
    await tab.screenshot({ path: `${folder}/9-trial.png`, fullPage: true });
    const stranger = await visitor();
    await signIn(stranger.page, 'bob');
    await home(stranger.page);
    await stranger.page.goto(tab.url());
    seen.trialOfAnother = await alert(stranger.page);
    await tab.close();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('/signin/tried/callback').first().waitFor({ timeout: 15000 });
    await api('DELETE', '/api/auth-providers/tried');
    const gone = await fetch(`${two}/signin/tried`, { redirect: 'manual' });
    seen.deleted = gone.headers.get('location');
    await page.setViewportSize({ width: 390, height: 800 });
    await page.screenshot({ path: `${folder}/10-providers-phone.png`, fullPage: true });
    await page.goto(`${one}/sessions`);
    await page.getByText('this one').waitFor();
    await page.screenshot({ path: `${folder}/11-sessions-phone.png`, fullPage: true });
    const dark = await visitor({ colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await dark.page.goto(`${one}/login`);
    await dark.page.screenshot({ path: `${folder}/12-login-phone-dark.png` });
  },
};

for (const [name, step] of Object.entries(steps)) {
  const began = Date.now();
  try {
    await step();
    console.error(`${name} ${Date.now() - began} ms`);
  } catch (error) {
    seen.error = `${name}: ${error.stack}`;
    for (const [i, page] of browser.contexts().flatMap(context => context.pages()).entries()) await page.screenshot({ path: `${folder}/failed-${i}.png` }).catch(() => {});
    break;
  }
}

console.log(JSON.stringify(seen));
await browser.close();
idp.close();
gitHub.close();
process.exit(seen.error ? 1 : 0);
