// The host's side of MCP Apps (SEP-1865): JSON-RPC with a page of a stranger in a frame without an origin. It is told the call it was
// made for, says how tall it is, and may ask to open a page. It calls no tools: that is asked for in the chat.
const VERSIONS = ['2026-01-26', '2025-11-21'];
const LOWEST = 60;
const TALLEST = 640;

const parsed = (json, otherwise) => { try { return JSON.parse(json); } catch { return otherwise; } };

export function show(place, title, path, input, result, isError) {
  const frame = Object.assign(document.createElement('iframe'), { title, src: path, sandbox: 'allow-scripts', referrerPolicy: 'no-referrer' });
  let loads = 0;
  let asking = false;
  let told = false;
  const send = message => frame.contentWindow?.postMessage({ jsonrpc: '2.0', ...message }, '*'); // no origin, so none to name
  const refuse = (id, code, message) => send({ id, error: { code, message } });

  const requests = {
    'ping': id => send({ id, result: {} }),
    'ui/initialize': (id, params) => send({ id, result: {
      protocolVersion: VERSIONS.includes(params.protocolVersion) ? params.protocolVersion : VERSIONS[0],
      hostInfo: { name: 'Obot', version: '1' },
      hostCapabilities: { openLinks: {} },
      hostContext: {
        theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light', displayMode: 'inline', availableDisplayModes: ['inline'],
        containerDimensions: { width: frame.clientWidth, maxHeight: TALLEST }, locale: navigator.language, platform: 'web',
      },
    } }),
    'ui/open-link': (id, params) => {
      const url = typeof params.url === 'string' && URL.canParse(params.url) ? new URL(params.url) : null;
      if (!url || !['https:', 'http:'].includes(url.protocol) || url.username || url.password) return refuse(id, -32602, 'Only addresses of web pages are opened.');
      if (asking) return refuse(id, -32000, 'The person is being asked already.');
      asking = true;
      obotChat.ask({ href: url.href, dataset: {} }, opened => {
        asking = false;
        if (opened) send({ id, result: {} }); else refuse(id, -32000, 'The person did not open it.');
      });
    },
  };

  const notifications = {
    'ui/notifications/initialized': () => {
      if (told) return;
      told = true;
      send({ method: 'ui/notifications/tool-input', params: { arguments: parsed(input, {}) } });
      const content = parsed(result, null);
      send({ method: 'ui/notifications/tool-result', params: { content: Array.isArray(content) ? content : [{ type: 'text', text: result ?? '' }], isError } });
    },
    'ui/notifications/size-changed': params => {
      if (Number.isFinite(params.height)) frame.style.height = `${Math.min(Math.max(params.height, LOWEST), TALLEST)}px`;
    },
  };

  const listen = event => {
    if (!frame.isConnected) return removeEventListener('message', listen);
    const message = event.data;
    if (event.source !== frame.contentWindow || event.origin !== 'null' || message?.jsonrpc !== '2.0' || typeof message.method !== 'string') return;
    const params = message.params !== null && typeof message.params === 'object' ? message.params : {};
    if (message.id === undefined) { if (Object.hasOwn(notifications, message.method)) notifications[message.method](params); }
    else if (Object.hasOwn(requests, message.method)) requests[message.method](message.id, params);
    else refuse(message.id, -32601, `This host does nothing for '${message.method}'.`);
  };
  addEventListener('message', listen);

  // whatever the page went to is not the page that was asked for
  frame.addEventListener('load', () => {
    if (++loads > 1) {
      removeEventListener('message', listen);
      frame.replaceWith(Object.assign(document.createElement('p'), { className: 'tool-ask', textContent: 'The page went elsewhere and was closed.' }));
    }
  });
  place.appendChild(frame);
}
