// The whole walk against the real binary: the app connects, the resident signs in and agrees to part, points show; the
// resident withdraws in the portal, and the app is refused.
//
//   node end-to-end/run.mjs [path of the binary sekisho]
import assert from 'node:assert/strict';
import { pointApp } from '../app.mjs';
import { Browser } from './browser.mjs';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';
import { agreeToDaily, consentForm, preTicked, refuse, signIn, withdraw, withdrawals } from './resident.mjs';

/** Where the demo registered the app. */
const PORT = 9730;

const binary = process.argv[2] ?? built('sekisho');

const step = (text) => console.log(`- ${text}`);
const stateOf = (page) => page.html.querySelector('body')?.getAttribute('data-state');

/** The page of the newest month that has steps, of the last six. */
async function newestMonth(browser, home) {
  let page = await browser.open(`${home}/days`);
  for (let months = 0; months < 6; months += 1) {
    if (page.html.querySelector('tr[data-day]') || !['points', 'asking'].includes(stateOf(page))) return page;
    const previous = page.html.querySelector('a[href^="/days?month="]').getAttribute('href');
    page = await browser.open(`${home}${previous}`);
  }
  return page;
}

async function walk({ told }, home) {
  const resident = told.residents[0];
  assert.ok(resident?.login && resident?.password, 'the demo names a resident with login and password');
  const browser = new Browser();
  const connect = async () => {
    const welcome = await browser.open(`${home}/`);
    return browser.submit(welcome, welcome.html.querySelector('form'));
  };

  let page = await signIn(browser, await connect(), resident);
  step('signed in through the provider, and the consent page shows');
  assert.deepEqual(preTicked(consentForm(page)), [], 'nothing is ticked beforehand');

  page = await refuse(browser, page);
  assert.equal(stateOf(page), 'welcome', 'refusing leads back to the app without anything');
  step('refused: back in the app without anything');

  page = await agreeToDaily(browser, await connect(), 'activity');
  assert.ok(['points', 'asking'].includes(stateOf(page)), `the app shows days, not ${page.status} ${stateOf(page)} at ${page.url}`);
  step('agreed to daily activity, and to age band and sex');

  page = await newestMonth(browser, home);
  if (stateOf(page) === 'asking') {
    const form = page.html.querySelector('form[action="/about-me"]');
    assert.equal(form.querySelector('[name=sex]'), null, 'the sex was granted, so the app knows it');
    const age = form.querySelector('[name=age]').getAttribute('max');
    page = await browser.submit(page, form, { choices: { age } });
    step(`the age band lies across two rows of the table, so the app asked (${age})`);
  }
  const days = page.html.querySelectorAll('tr[data-day]');
  const earned = days.filter((row) => row.getAttribute('data-earned') === 'true').length;
  assert.equal(stateOf(page), 'points');
  assert.ok(days.length > 0, 'there are days with steps');
  assert.equal(page.html.querySelector('[data-points]').getAttribute('data-points'), String(earned));
  step(`${days.length} days with steps, ${earned} of them earned a point`);
  const shown = page.url;

  const again = await browser.open(shown);
  assert.equal(again.html.querySelectorAll('tr[data-day]').length, days.length, 'nothing is lost by asking only for what changed');
  assert.doesNotMatch(again.text, /訂正/);
  step('asked only for what changed since, and shows the same');

  const portal = await browser.open(told.portal_url);
  const before = withdrawals(portal);
  // A demo consent of the same app would be this same one: an app has at most one for each purpose.
  const after = await withdraw(browser, portal, before[0]);
  assert.equal(withdrawals(after).length, before.length - 1, 'one consent less is active');
  step('withdrawn in the portal with one tap');

  page = await browser.open(shown);
  assert.ok(['refused', 'welcome'].includes(stateOf(page)), `the app is refused, not ${stateOf(page)}`);
  assert.equal(page.html.querySelector('tr[data-day]'), null, 'no day shows any more');
  step('the app is refused, and shows nothing');

  for (let waited = 0; waited < 100 && app.told.length === 0; waited += 1) await new Promise((done) => setTimeout(done, 100));
  const [message] = app.told;
  assert.equal(message?.type, 'consent.withdrawn');
  assert.match(message.data.consent, /^Consent\/[a-z2-7]{26}$/);
  assert.match(message.data.patient, /^Patient\/[a-z2-7]{26}$/);
  step('the app was told, and the library standardwebhooks verified the signature');
  const forged = await fetch(`${home}/messages`, { method: 'POST', body: '{}', headers: { 'webhook-id': 'x', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' } });
  assert.equal(forged.status, 401, 'a message that nobody signed is not taken');
  const after2 = await browser.open(told.portal_url);
  assert.match(after2.text, /受け取りました/, 'the resident sees that the app has it');
  step('the resident sees that the app took it');
}

const demo = await startDemo(binary);
const app = pointApp({
  fhirBaseUrl: demo.told.fhir_base_url,
  clientId: demo.told.client_id,
  messageSecret: demo.told.message_secret,
});
try {
  await new Promise((done, failed) => app.once('error', failed).listen(PORT, '127.0.0.1', done));
  await walk(demo, `http://127.0.0.1:${PORT}`);
  console.log('the walk is whole');
} catch (error) {
  console.error(`${error.message}\nthe demo last said:\n${demo.said.slice(-20).join('\n')}`);
  process.exitCode = 1;
} finally {
  app.close();
  app.closeAllConnections();
  await demo.stop();
}
