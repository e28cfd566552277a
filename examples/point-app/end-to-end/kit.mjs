// The black-box kit against the real binary: `conformance smart` finds nothing wrong.
//
//   node end-to-end/kit.mjs [path of the binary sekisho] [path of the binary conformance]
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDemo } from './demo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(here, '../../../target');
const binary = process.argv[2] ?? join(target, 'release/sekisho');
const kit = process.argv[3] ?? join(target, 'release/conformance');

const demo = await startDemo(binary);
try {
  const { fhir_base_url: base, client_id: client, redirect_uri: redirect, residents } = demo.told;
  const answer = `node ${join(here, 'answer.mjs')} ${residents[1].login} ${residents[1].password}`;
  const run = spawn(kit, ['smart', '--base', base, '--client-id', client, '--redirect-uri', redirect, '--answer', answer], { stdio: 'inherit' });
  process.exitCode = await new Promise((done) => run.once('exit', (code) => done(code ?? 1)));
} finally {
  await demo.stop();
}
