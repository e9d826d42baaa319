// What v1.mjs and v2.mjs take: URL TOKEN [--mode MODE] [--tool NAME] [--args JSON]. Prints one line of JSON; exit 0, or 1 on failure.
import { parseArgs } from 'node:util';

export function read() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { mode: { type: 'string' }, tool: { type: 'string' }, args: { type: 'string', default: '{}' } },
  });
  const [url, token] = positionals;
  if (!url) {
    console.error('usage: URL TOKEN [--mode MODE] [--tool NAME] [--args JSON]');
    process.exit(2);
  }
  return {
    url: new URL(url),
    mode: values.mode,
    tool: values.tool,
    arguments: JSON.parse(values.args),
    requestInit: token ? { headers: { Authorization: `Bearer ${token}` } } : undefined,
  };
}

export async function report(work) {
  try {
    console.log(JSON.stringify(await work()));
    process.exit(0);
  } catch (error) {
    console.log(JSON.stringify({ error: { name: error.name, code: error.code, message: error.message, cause: error.cause?.message } }));
    process.exit(1);
  }
}
