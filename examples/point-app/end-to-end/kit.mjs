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
  const run = spawn(kit, ['smart', '--base', base, '--client-id', client, '--redirect-uri', redirect, '--other-patient', demo.told.patient, '--answer', answer, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  run.stdout.on('data', (part) => (said += part));
  const code = await new Promise((done) => run.once('close', done));
  const cases = said.trim().split('\n').map((line) => JSON.parse(line));
  const others = cases.filter(({ result }) => result !== 'pass');
  for (const { group, case: name, result, why } of others) console.error(`${result}  ${group}: ${name}: ${why}`);
  console.log(`${cases.length} cases, ${others.length} of them did not pass`);
  // Nothing may be left out either: everything applies to us.
  if (code !== 0 || others.length > 0 || cases.length < 50) process.exitCode = 1;
} finally {
  await demo.stop();
}
