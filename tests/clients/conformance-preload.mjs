// Loaded with `node --import`: gives tools that have no header option our bearer token, and Node 20 what it lacks.
//   OBOT_TOKEN   the token
//   OBOT_PREFIX  only requests whose URL starts with it get the token
// A request that already has an Authorization header keeps it.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { register, syncBuiltinESMExports } from 'node:module';

if (!fs.globSync) {
  // A built-in module cannot get another export, so the suite's own `import … from 'fs'` is led to one that has it.
  // Enough for `dir/*.yaml`: one folder, `*` in the last segment.
  const withGlob = `
    import fs from 'node:fs';
    import path from 'node:path';
    export * from 'node:fs';
    export default fs;
    export function globSync(pattern, { cwd = '.' } = {}) {
      const folder = path.resolve(cwd, path.dirname(pattern));
      const wanted = new RegExp('^' + path.basename(pattern).split('*').map((part) => part.replace(/\\W/g, '\\\\$&')).join('.*') + '$');
      return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => wanted.test(name)).map((name) => path.join(path.dirname(pattern), name)) : [];
    }`;
  const shim = `data:text/javascript,${encodeURIComponent(withGlob)}`;
  register(`data:text/javascript,${encodeURIComponent(`
    export const resolve = (specifier, context, next) => specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/')
      ? { url: ${JSON.stringify(shim)}, shortCircuit: true }
      : next(specifier, context);`)}`);
}

const token = process.env.OBOT_TOKEN;
const prefix = process.env.OBOT_PREFIX;
if (token && prefix) {
  const value = `Bearer ${token}`;
  const ours = (url) => String(url).startsWith(prefix);

  const fetchBefore = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    if (!ours(input?.url ?? input)) return fetchBefore(input, init);
    const headers = new Headers(init?.headers ?? input?.headers);
    if (!headers.has('authorization')) headers.set('authorization', value);
    return fetchBefore(input, { ...init, headers });
  };

  // undici from npm shares its global dispatcher through this symbol, so one interceptor serves both it and fetch
  const dispatchers = [];
  try {
    const undici = await import('undici');
    dispatchers.push(undici);
  } catch {
    // not installed: nothing uses it
  }
  for (const { getGlobalDispatcher, setGlobalDispatcher } of dispatchers) {
    const add = (headers) => {
      if (!headers) return { authorization: value };
      if (Array.isArray(headers)) {
        const named = headers.some((item, at) => at % 2 === 0 && String(item).toLowerCase() === 'authorization');
        return named ? headers : [...headers, 'authorization', value];
      }
      if (typeof headers[Symbol.iterator] === 'function') return add([...headers].flat());
      return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization') ? headers : { ...headers, authorization: value };
    };
    setGlobalDispatcher(getGlobalDispatcher().compose((dispatch) => (options, handler) =>
      dispatch(ours(`${options.origin}${options.path}`) ? { ...options, headers: add(options.headers) } : options, handler)));
  }

  for (const [module, scheme] of [[http, 'http:'], [https, 'https:']]) {
    const requestBefore = module.request;
    module.request = function request(...args) {
      const outgoing = requestBefore.apply(this, args);
      const url = `${scheme}//${outgoing.getHeader('host')}${outgoing.path}`;
      const rebound = `${scheme}//${outgoing.host}:${args.find((arg) => arg?.port)?.port ?? ''}${outgoing.path}`;
      if ((ours(url) || ours(rebound)) && !outgoing.hasHeader('authorization')) outgoing.setHeader('authorization', value);
      return outgoing;
    };
    module.get = function get(...args) {
      const outgoing = module.request(...args);
      outgoing.end();
      return outgoing;
    };
  }
}
syncBuiltinESMExports();
