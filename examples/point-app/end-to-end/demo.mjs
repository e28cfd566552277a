// Starts `sekisho demo --json` on a folder of its own and waits for the line that says it is ready.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * A demo that is ready: what it printed, and how to end it. `told` is the JSON line. Vendors that tell of nothing by themselves are
 * asked every `poll` seconds, where that is said.
 */
export async function startDemo(binary, { patience = 60_000, poll } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'sekisho-point-app-'));
  const more = poll ? ['--poll', String(poll)] : [];
  const child = spawn(binary, ['demo', '--json', '--port', String(await freePort()), '--data', data, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > 200) said.shift();
  });
  const gone = new Promise((done) => {
    child.once('exit', done);
    child.once('error', () => done('no process'));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(late);
    await rm(data, { recursive: true, force: true });
  };
  const ready = new Promise((resolve, reject) => {
    const give = (reason) => reject(new Error(`the demo ${reason}; it last said:\n${said.slice(-20).join('\n')}`));
    const late = setTimeout(() => give(`was not ready in ${patience / 1000} s`), patience);
    child.once('error', (error) => give(`did not start: ${error.message}`));
    gone.then((code) => give(`ended with ${code}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      clearTimeout(late);
      resolve(JSON.parse(line));
    });
  });
  try {
    return { told: await ready, said, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}
