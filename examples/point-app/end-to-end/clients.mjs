// Unmodified OAuth clients against the real binary: `oauth4webapi` and `openid-client` discover the gateway, take a resident
// through the authorization code flow with PKCE, verify the ID token against the published keys, refresh, introspect, revoke.
//
//   node end-to-end/clients.mjs [path of the binary sekisho]
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { Browser } from './browser.mjs';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';
import { agreeToDaily, refuse, signIn } from './resident.mjs';

/** What the flows ask for. */
const SCOPE = 'openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.rs';

const binary = process.argv[2] ?? built('sekisho');
const step = (text) => console.log(`- ${text}`);

/** Catches what the gateway sends to the app's registered address. */
async function callbackServer(redirectUri) {
  const caught = [];
  const server = createServer((request, response) => {
    caught.push(new URL(request.url, redirectUri));
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>back</title><main>back in the app</main>');
  });
  await new Promise((done, failed) => server.once('error', failed).listen(Number(new URL(redirectUri).port), '127.0.0.1', done));
  return { caught, close: () => (server.close(), server.closeAllConnections()) };
}

/** The resident opens the address, signs in and answers; gives where the app was sent. */
async function answered(address, resident, caught, { agrees = true } = {}) {
  const browser = new Browser();
  const page = await signIn(browser, await browser.open(address), resident);
  await (agrees ? agreeToDaily(browser, page, 'activity') : refuse(browser, page));
  const back = caught.pop();
  assert.ok(back, 'the resident comes back to the app');
  return back;
}

async function readSteps(told, token) {
  const answer = await fetch(`${told.fhir_base_url}/Observation?code=daily_step_count&_count=5`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: answer.status, body: await answer.json() };
}

/** `oauth4webapi`, by its low-level steps. */
async function lowLevel({ told }, caught) {
  const issuer = new URL(told.base_url);
  const options = { [oauth.allowInsecureRequests]: true };
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...options });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  assert.equal(server.issuer, told.base_url);
  step('oauth4webapi discovers the gateway');

  const client = { client_id: told.client_id };
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const address = new URL(server.authorization_endpoint);
  for (const [name, value] of Object.entries({
    client_id: told.client_id,
    redirect_uri: told.redirect_uri,
    response_type: 'code',
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    aud: told.fhir_base_url,
  })) address.searchParams.set(name, value);
  const back = await answered(address.href, told.residents[1], caught);
  const parameters = oauth.validateAuthResponse(server, client, back, state);
  step('the answer holds state and issuer (RFC 9207)');

  const redeemed = await oauth.authorizationCodeGrantRequest(
    server, client, oauth.None(), parameters, told.redirect_uri, verifier, options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, redeemed, options);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal(claims.sub, tokens.patient, 'sub is the pairwise id of the patient');
  assert.ok(claims.fhirUser.endsWith(`/Patient/${tokens.patient}`));
  step('the ID token verifies against the published keys, and its sub is pairwise');
  assert.equal((await readSteps(told, tokens.access_token)).status, 200);

  const refreshed = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, options);
  const later = await oauth.processRefreshTokenResponse(server, client, refreshed);
  assert.notEqual(later.refresh_token, tokens.refresh_token, 'refresh tokens rotate');
  const asked = await oauth.introspectionRequest(server, client, oauth.None(), later.access_token, options);
  const worth = await oauth.processIntrospectionResponse(server, client, asked);
  assert.equal(worth.active, true);
  const revoked = await oauth.revocationRequest(server, client, oauth.None(), later.refresh_token, options);
  await oauth.processRevocationResponse(revoked);
  assert.equal((await readSteps(told, later.access_token)).status, 401, 'revoked with its family');
  step('refreshed, introspected, revoked: the next read is refused');
}

/** `openid-client`, as most apps would use it. */
async function highLevel({ told }, caught) {
  const config = await openid.discovery(new URL(told.base_url), told.client_id, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests],
  });
  const begin = async () => {
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const address = openid.buildAuthorizationUrl(config, {
      redirect_uri: told.redirect_uri,
      scope: SCOPE,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      aud: told.fhir_base_url,
    });
    return { address, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
  };
  const refused = await begin();
  const no = await answered(refused.address.href, told.residents[2], caught, { agrees: false });
  await assert.rejects(openid.authorizationCodeGrant(config, no, refused.checks), (error) => error.error === 'access_denied');
  step('openid-client is told that the resident refused');

  const { address, checks } = await begin();
  const back = await answered(address.href, told.residents[2], caught);
  const tokens = await openid.authorizationCodeGrant(config, back, { ...checks, idTokenExpected: true });
  assert.equal(tokens.claims().sub, tokens.patient);
  const steps = await readSteps(told, tokens.access_token);
  assert.equal(steps.status, 200);
  assert.ok(steps.body.entry.length > 0, 'there are days of steps');
  const later = await openid.refreshTokenGrant(config, tokens.refresh_token);
  assert.equal((await readSteps(told, later.access_token)).status, 200);
  step('openid-client connects, reads and refreshes');

  const pushed = await begin();
  const request = await openid.buildAuthorizationUrlWithPAR(config, Object.fromEntries(pushed.address.searchParams));
  assert.ok(request.searchParams.get('request_uri'));
  const through = await answered(request.href, told.residents[2], caught);
  assert.ok((await openid.authorizationCodeGrant(config, through, pushed.checks)).access_token);
  step('a pushed request (RFC 9126) leads to the same');
}

const demo = await startDemo(binary);
const callback = await callbackServer(demo.told.redirect_uri);
try {
  await lowLevel(demo, callback.caught);
  await highLevel(demo, callback.caught);
  console.log('both clients connect as they are');
} catch (error) {
  console.error(`${error.stack}\n${error.cause ? `because: ${JSON.stringify(error.cause)}\n` : ''}the demo last said:\n${demo.said.slice(-20).join('\n')}`);
  process.exitCode = 1;
} finally {
  callback.close();
  await demo.stop();
}
