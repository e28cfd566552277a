// The app in a browser without a screen, against a gateway of a few lines that is as strict as SMART allows: PKCE, exact
// redirect, codes once. The real gateway is met in end-to-end/.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { pointApp } from '../app.mjs';
import { Browser } from '../end-to-end/browser.mjs';
import { Webhook } from 'standardwebhooks';

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

/** A gateway that knows one client and one resident. */
function smallGateway() {
  const state = { codes: new Map(), revoked: false, pages: 0, patient: {}, denies: false, iss: [], amended: [] };
  const server = createServer(async (request, response) => {
    const base = `http://${request.headers.host}`;
    const url = new URL(request.url, base);
    const json = (status, value) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (url.pathname === '/fhir/r4/.well-known/smart-configuration') {
      return json(200, {
        authorization_endpoint: `${base}/authorize`,
        token_endpoint: `${base}/token`,
        code_challenge_methods_supported: ['S256'],
        capabilities: ['launch-standalone', 'client-public', 'context-standalone-patient'],
      });
    }
    if (url.pathname === '/fhir/r4/metadata') return json(200, { resourceType: 'CapabilityStatement', status: 'active' });
    if (url.pathname === '/authorize') {
      const asked = Object.fromEntries(url.searchParams);
      const good = asked.client_id === 'point-app' && asked.aud === `${base}/fhir/r4` && asked.code_challenge_method === 'S256';
      if (!good) return json(400, { error: 'invalid_request' });
      const back = new URL(asked.redirect_uri);
      back.searchParams.set('state', asked.state);
      if (state.denies) back.searchParams.set('error', 'access_denied');
      else {
        const code = `code-${state.codes.size}`;
        state.codes.set(code, asked);
        back.searchParams.set('code', code);
      }
      response.writeHead(302, { location: back.href });
      return response.end();
    }
    if (url.pathname === '/token') {
      let text = '';
      for await (const chunk of request) text += chunk;
      const form = Object.fromEntries(new URLSearchParams(text));
      if (form.grant_type !== 'authorization_code' || state.revoked) return json(400, { error: 'invalid_grant' });
      const asked = state.codes.get(form.code);
      state.codes.set(form.code, undefined);
      const challenge = createHash('sha256').update(form.code_verifier ?? '').digest('base64url');
      if (asked?.code_challenge !== challenge || asked.redirect_uri !== form.redirect_uri) return json(400, { error: 'invalid_grant' });
      return json(200, { access_token: 'a1', token_type: 'bearer', expires_in: 3600, scope: asked.scope, patient: 'p1', refresh_token: 'r1' });
    }
    if (request.headers.authorization !== 'Bearer a1' || state.revoked) return json(401, { resourceType: 'OperationOutcome', issue: [] });
    if (url.pathname === '/fhir/r4/Patient/p1') return json(state.patient ? 200 : 403, { resourceType: 'Patient', id: 'p1', ...state.patient });
    if (url.pathname === '/fhir/r4/Observation' && url.searchParams.has('_lastUpdated')) {
      state.since = url.searchParams.get('_lastUpdated');
      return json(200, { resourceType: 'Bundle', type: 'searchset', link: [], meta: { lastUpdated: '2026-07-02T00:00:00Z' }, entry: state.amended });
    }
    if (url.pathname === '/fhir/r4/Observation') {
      state.pages += 1;
      const page = Number(url.searchParams.get('_cursor') ?? 0);
      if (page === 0 && url.searchParams.get('code') !== 'http://loinc.org|41950-7') return json(400, {});
      if (page === 0 && url.searchParams.getAll('date').join() !== 'ge2026-05-01,lt2026-06-01') {
        return json(200, { resourceType: 'Bundle', type: 'searchset', link: [] });
      }
      const entry = [1, 2].map((one) => {
        const day = page * 2 + one;
        return {
          resource: {
            resourceType: 'Observation',
            id: `o${day}`,
            meta: { versionId: '1' },
            status: 'final',
            effectiveDateTime: `2026-05-0${day}`,
            valueQuantity: { value: day * 1500 },
          },
        };
      });
      const link = page < 2 ? [{ relation: 'next', url: `${base}/fhir/r4/Observation?_cursor=${page + 1}` }] : [];
      return json(200, { resourceType: 'Bundle', type: 'searchset', link, meta: { lastUpdated: '2026-07-01T00:00:00Z' }, entry });
    }
    return json(404, {});
  });
  return { server, state };
}

let gateway;
let app;
let home;

before(async () => {
  gateway = smallGateway();
  const gatewayPort = await listening(gateway.server);
  app = pointApp({ fhirBaseUrl: `http://127.0.0.1:${gatewayPort}/fhir/r4`, clientId: 'point-app' });
  home = `http://127.0.0.1:${await listening(app)}`;
});

after(() => {
  for (const server of [app, gateway.server]) {
    server.close();
    server.closeAllConnections();
  }
});

const stateOf = (page) => page.html.querySelector('body').getAttribute('data-state');
const connected = async (browser) => {
  const welcome = await browser.open(`${home}/`);
  return browser.submit(welcome, welcome.html.querySelector('form'));
};
const inMay = (browser) => browser.open(`${home}/days?month=2026-05`);

test('a month is read to its last page and shows which days earned', async () => {
  Object.assign(gateway.state, { revoked: false, denies: false, pages: 0, patient: { gender: 'female', birthDate: '1980-01-01' } });
  const browser = new Browser();
  assert.equal((await connected(browser)).status, 200);
  gateway.state.pages = 0;
  const page = await inMay(browser);
  assert.equal(stateOf(page), 'points');
  assert.equal(gateway.state.pages, 3);
  const rows = page.html.querySelectorAll('tr[data-day]').map((row) => [row.getAttribute('data-steps'), row.getAttribute('data-earned')]);
  assert.deepEqual(rows, [['1500', 'false'], ['3000', 'false'], ['4500', 'false'], ['6000', 'true'], ['7500', 'true'], ['9000', 'true']]);
  assert.equal(page.html.querySelector('[data-points]').getAttribute('data-points'), '3');
});

test('what the resident did not agree to tell is asked', async () => {
  const band = { url: 'https://sekisho.example/fhir/StructureDefinition/age-band', valueRange: { low: { value: 60 }, high: { value: 69 } } };
  gateway.state.patient = { gender: 'male', extension: [band] };
  const browser = new Browser();
  assert.equal((await connected(browser)).status, 200);
  const asking = await inMay(browser);
  assert.equal(stateOf(asking), 'asking');
  assert.equal(asking.html.querySelector('[name=sex]'), null, 'the sex is known');
  const form = asking.html.querySelector('form[action="/about-me"]');
  const page = await browser.submit(asking, form, { choices: { age: '66' } });
  assert.equal(stateOf(page), 'points');
  assert.equal(page.html.querySelector('[data-points]').getAttribute('data-points'), '4');
});

test('without any line about the person both are asked', async () => {
  gateway.state.patient = null;
  const browser = new Browser();
  assert.equal((await connected(browser)).status, 200);
  const asking = await inMay(browser);
  assert.equal(stateOf(asking), 'asking');
  const form = asking.html.querySelector('form[action="/about-me"]');
  const page = await browser.submit(asking, form, { choices: { age: '30', sex: 'male' } });
  assert.equal(page.html.querySelector('[data-points]').getAttribute('data-points'), '1');
});

test('what was withdrawn is not shown any more, and the app says why', async () => {
  gateway.state.patient = {};
  const browser = new Browser();
  assert.equal((await connected(browser)).status, 200);
  gateway.state.revoked = true;
  const page = await inMay(browser);
  assert.deepEqual([page.status, stateOf(page)], [403, 'refused']);
  assert.ok(!page.text.includes('2026-05-01'));
  gateway.state.revoked = false;
});

test('a refusal on the consent page leads back to the start', async () => {
  gateway.state.denies = true;
  const browser = new Browser();
  assert.equal(stateOf(await connected(browser)), 'welcome');
  gateway.state.denies = false;
});

test("another's link does not choose the gateway, and another's browser sees nothing", async () => {
  const browser = new Browser();
  const page = await browser.open(`${home}/connect?iss=https://evil.example`, { method: 'POST', form: new URLSearchParams() });
  assert.equal(new URL(page.url).pathname, '/days', 'the gateway is the configured one, and connecting worked');
  const stranger = await new Browser().open(`${home}/days?month=2026-05`);
  assert.equal(stateOf(stranger), 'welcome');
});

test('a later amendment stands beside what was drawn, and a changed consent is read from the start', async () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const hearing = pointApp({ fhirBaseUrl: `http://127.0.0.1:${gateway.server.address().port}/fhir/r4`, clientId: 'point-app', messageSecret: secret });
  const at = `http://127.0.0.1:${await listening(hearing)}`;
  try {
    gateway.state.patient = { gender: 'female', birthDate: '1980-01-01' };
    const browser = new Browser();
    const welcome = await browser.open(`${at}/`);
    await browser.submit(welcome, welcome.html.querySelector('form'));
    const look = () => browser.open(`${at}/days?month=2026-05`);
    await look();
    const amended = { resourceType: 'Observation', id: 'o1', meta: { versionId: '2' }, status: 'amended', effectiveDateTime: '2026-05-01' };
    gateway.state.amended = [{ resource: { ...amended, valueQuantity: { value: 9999 } } }];
    gateway.state.pages = 0;
    const page = await look();
    assert.deepEqual([gateway.state.since, gateway.state.pages], ['gt2026-07-01T00:00:00Z', 0]);
    assert.match(page.text, /9,999歩へ訂正/);
    assert.equal(page.html.querySelector('[data-points]').getAttribute('data-points'), '3', 'points stay as drawn');

    const message = JSON.stringify({ type: 'consent.changed', data: { patient: 'Patient/p1', consent: 'Consent/c1' } });
    const now = new Date();
    const headers = {
      'webhook-id': 'm1',
      'webhook-timestamp': String(Math.floor(now / 1000)),
      'webhook-signature': new Webhook(secret).sign('m1', now, message),
    };
    assert.equal((await fetch(`${at}/messages`, { method: 'POST', body: message, headers })).status, 204);
    assert.doesNotMatch((await look()).text, /訂正/);
    assert.equal(gateway.state.pages, 3, 'all pages were read again');
  } finally {
    hearing.close();
    hearing.closeAllConnections();
  }
});
