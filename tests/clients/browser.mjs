// A browser without a person: node browser.mjs URL. Signed in by OBOT_COOKIE at OBOT_ORIGIN, it follows redirects, agrees to what the
// consent page asks, and ends at the client's own listener.
const origin = new URL(process.env.OBOT_ORIGIN).origin;
let url = new URL(process.argv[2]);
let init = {};
const jars = new Map();
const cookies = at => at === origin ? process.env.OBOT_COOKIE : [...(jars.get(at) ?? new Map())].map(([name, value]) => `${name}=${value}`).join('; ');
const plain = text => text.replace(/&#x([0-9A-F]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16))).replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

for (let step = 0; step < 25; step++) {
  const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie: cookies(url.origin) } });
  init = {};
  if (url.origin !== origin) {
    const jar = jars.get(url.origin) ?? new Map();
    for (const cookie of response.headers.getSetCookie()) jar.set(...cookie.split(';')[0].split(/=(.*)/s).slice(0, 2));
    jars.set(url.origin, jar);
  }

  const location = response.headers.get('location') ?? response.headers.get('refresh')?.replace(/^0;url=/, '');
  if (location) {
    url = new URL(location, url);
    continue;
  }

  const page = await response.text();
  const consent = url.origin === origin && page.includes('name="obot_decision"');
  if (!consent) {
    console.error(`ended at ${url.origin}${url.pathname} with ${response.status}`);
    process.exit(response.ok ? 0 : 1);
  }

  const form = new URLSearchParams([...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name, value]) => [plain(name), plain(value)]));
  form.set('obot_decision', 'allow');
  init = { method: 'POST', body: form };
  url = new URL('/oauth/authorize', url);
}

console.error('too many redirects');
process.exit(1);
