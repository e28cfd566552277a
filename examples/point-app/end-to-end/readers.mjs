// FHIR client libraries as they are against the real binary: npm `fhir-kit-client` here, PyPI `fhirpy` and `fhir.resources` in
// `readers.py`. They read, search, page, follow versions and operations with the token of the demo's app.
//
//   PYTHONPATH=… node end-to-end/readers.mjs [path of the binary sekisho]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { Client } from 'fhir-kit-client';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.argv[2] ?? built('sekisho');
const step = (text) => console.log(`- ${text}`);

const matches = (bundle) => (bundle.entry ?? []).filter((one) => one.search?.mode === 'match').map((one) => one.resource);

/** Asks for a page packed and not: the same comes, in less. */
async function packed(base, token, encoding) {
  const ask = (accepted) =>
    new Promise((done, failed) => {
      const headers = { authorization: `Bearer ${token}`, 'accept-encoding': accepted };
      const request = get(`${base}/Observation?code=daily_step_count&_count=50`, { headers }, async (answer) => {
        const parts = [];
        for await (const part of answer) parts.push(part);
        done([answer.headers['content-encoding'], Buffer.concat(parts)]);
      });
      request.on('error', failed);
    });
  const entries = (bytes) => JSON.parse(bytes).entry.map(({ resource }) => resource);
  const [, plain] = await ask('identity');
  const [named, bytes] = await ask(encoding);
  assert.equal(named, encoding);
  assert.ok(bytes.length < plain.length / 4);
  const open = { gzip: zlib.gunzipSync, zstd: zlib.zstdDecompressSync }[encoding];
  // Before version 22.15 Node cannot open it itself.
  if (open) assert.deepEqual(entries(open(bytes)), entries(plain));
  console.log(`- a page comes packed with ${encoding}`);
}

async function read({ fhir_base_url: baseUrl, access_token: token, patient }) {
  const client = new Client({ baseUrl, bearerToken: token });
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, '4.0.1');

  const person = await client.read({ resourceType: 'Patient', id: patient });
  assert.equal(person.id, patient);
  const first = await client.search({
    resourceType: 'Observation',
    searchParams: { code: 'daily_step_count', _count: 10, _total: 'accurate', _include: 'Observation:patient' },
  });
  assert.equal(first.type, 'searchset');
  assert.ok(first.total > 10);
  assert.ok(first.entry.some((one) => one.search.mode === 'include' && one.resource.resourceType === 'Patient'));
  const seen = new Set(matches(first).map(({ id }) => id));
  let page = first;
  while ((page = await client.nextPage({ bundle: page }))) {
    for (const { id } of matches(page)) assert.ok(!seen.has(id) && seen.add(id), 'each once');
  }
  assert.equal(seen.size, first.total);
  step(`fhir-kit-client walks all ${seen.size} days, each once, as many as the total says`);

  const posted = await client.search({
    resourceType: 'Observation',
    searchParams: { code: 'daily_step_count', 'value-quantity': 'ge8000' },
    options: { postSearch: true },
  });
  assert.ok(matches(posted).every((day) => day.valueQuantity.value >= 8000) && matches(posted).length > 0);
  const [day] = matches(first);
  const version = day.meta.versionId;
  assert.deepEqual(await client.vread({ resourceType: 'Observation', id: day.id, version }), day);
  const history = await client.history({ resourceType: 'Observation', id: day.id });
  assert.equal(history.type, 'history');
  assert.deepEqual(history.entry[0].resource, day);
  step('fhir-kit-client searches by POST, reads a version and a history');

  const latest = await client.operation({
    name: '$lastn',
    resourceType: 'Observation',
    method: 'GET',
    input: { code: 'daily_step_count', max: 2 },
  });
  assert.equal(matches(latest).length, 2);
  const everything = await client.operation({ name: '$everything', resourceType: 'Patient', id: patient, method: 'GET' });
  assert.equal(matches(everything)[0].resourceType, 'Patient');
  step('fhir-kit-client asks for the latest and for everything');

  await assert.rejects(client.read({ resourceType: 'Observation', id: 'nobodys' }), ({ response }) => {
    assert.equal(response.status, 404);
    assert.equal(response.data.resourceType, 'OperationOutcome');
    return true;
  });
  step('an unknown id is an OperationOutcome to it');
}

const demo = await startDemo(binary);
try {
  await read(demo.told);
  const { fhir_base_url: base, access_token: token, patient } = demo.told;
  for (const encoding of ['gzip', 'zstd']) await packed(base, token, encoding);
  const environment = { ...process.env, FHIR_BASE: base, FHIR_TOKEN: token, FHIR_PATIENT: patient };
  const run = spawn('python3', [join(here, 'readers.py')], { stdio: 'inherit', env: environment });
  const code = await new Promise((done) => run.once('exit', (exit) => done(exit ?? 1)));
  assert.equal(code, 0, 'the readers in Python');
} finally {
  await demo.stop();
}
