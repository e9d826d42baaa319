#!/usr/bin/env node
// Starts the .NET fixture on our standard streams. FIXTURE_MODE picks one of the ways a server can misbehave instead.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, statSync } from 'node:fs';

const flood = () => {
  const line = `${'e'.repeat(1023)}\n`;
  const write = () => { while (process.stderr.write(line)); process.stderr.once('drain', write); };
  write();
};

const modes = {
  // reads and never answers
  silent: () => process.stdin.resume(),
  // dies with a last word
  exits: () => { console.error('fixture: I exit at once, with 3'); process.exitCode = 3; },
  // writes to standard error without end, and answers nothing
  floods: () => { flood(); process.stdin.resume(); },
  // serves, and floods at the same time
  'serves-and-floods': () => { serve(); flood(); },
  // says something that is not JSON-RPC before it serves
  chatters: () => { console.log('Welcome to the fixture!'); serve(); },
  serves: () => serve(),
  // writes down who it is and what it can read of FIXTURE_SNOOP (paths, separated by commas), then serves
  snoops: () => {
    const seen = process.env.FIXTURE_SNOOP.split(',').map(path => {
      try {
        return `${path} ${statSync(path).isDirectory() ? readdirSync(path).length : readFileSync(path).length}`;
      } catch (error) {
        return `${path} ${error.code}`;
      }
    });
    appendFileSync(process.env.FIXTURE_LOG, [`uid ${process.getuid()}`, ...seen, ''].join('\n'));
    serve();
  },
};

function serve() {
  const dll = process.env.FIXTURE_DLL;
  if (!dll) {
    console.error('fixture: FIXTURE_DLL is not set');
    process.exit(2);
  }
  const child = spawn(process.env.FIXTURE_DOTNET ?? 'dotnet', [dll, '--stdio'], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => { console.error(`fixture: ${error.message}`); process.exit(1); });
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

const mode = process.env.FIXTURE_MODE || 'serves';
if (!modes[mode]) {
  console.error(`fixture: FIXTURE_MODE=${mode} is none of ${Object.keys(modes).join(', ')}`);
  process.exit(2);
}
modes[mode]();
