// The black-box kit against the real binary: `conformance smart` and `conformance fhir` find nothing wrong.
//
//   node end-to-end/kit.mjs [path of the binary sekisho] [path of the binary conformance]
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.argv[2] ?? built('sekisho');
const kit = process.argv[3] ?? built('conformance');

/** Runs the kit; what did not pass is told, and counts as wrong: everything applies to us. */
async function run(name, least, args, environment = {}) {
  const child = spawn(kit, [name, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  let said = '';
  child.stdout.on('data', (part) => (said += part));
  const code = await new Promise((done) => child.once('close', done));
  const cases = said.trim().split('\n').map((line) => JSON.parse(line));
  const others = cases.filter(({ result }) => result !== 'pass');
  for (const { group, case: title, result, why } of others) console.error(`${result}  ${group}: ${title}: ${why}`);
  console.log(`${name}: ${cases.length} cases, ${others.length} of them did not pass`);
  if (code !== 0 || others.length > 0 || cases.length < least) process.exitCode = 1;
}

const demo = await startDemo(binary);
try {
  const { fhir_base_url: base, client_id: client, redirect_uri: redirect, residents, patient, access_token: token } = demo.told;
  const answer = `node ${join(here, 'answer.mjs')} ${residents[1].login} ${residents[1].password}`;
  await run('smart', 50, ['--base', base, '--client-id', client, '--redirect-uri', redirect, '--other-patient', patient, '--answer', answer]);
  await run('fhir', 45, ['--base', base, '--token-env', 'FHIR_TOKEN', '--patient', patient], { FHIR_TOKEN: token });
} finally {
  await demo.stop();
}
