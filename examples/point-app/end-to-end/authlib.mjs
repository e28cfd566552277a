// The Python library Authlib against the real binary (`authlib_client.py`), with a resident of the demo who agrees.
//
//   PYTHONPATH=… node end-to-end/authlib.mjs [path of the binary sekisho]
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.argv[2] ?? built('sekisho');

const demo = await startDemo(binary);
try {
  const { base_url: base, fhir_base_url: fhir, client_id: client, redirect_uri: redirect, residents } = demo.told;
  const answer = ['node', join(here, 'answer.mjs'), residents[1].login, residents[1].password];
  const run = spawn('python3', [join(here, 'authlib_client.py'), base, fhir, client, redirect, ...answer], { stdio: 'inherit' });
  process.exitCode = await new Promise((done) => run.once('exit', (code) => done(code ?? 1)));
} finally {
  await demo.stop();
}
