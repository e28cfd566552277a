// The whole story in a real browser at phone width, in both languages: sign in, upload an export, see the steps, connect the
// app, agree to steps only, see the chart, withdraw, see the app refused. On every page axe-core finds nothing serious.
//
//   node end-to-end/chromium.mjs [path of the binary sekisho] [folder for screenshots]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { pointApp } from '../app.mjs';
import { built } from './built.mjs';
import { startDemo } from './demo.mjs';
import { corrected, delegated, fed, linked, unlinked } from './links.mjs';
import { looking, sent, signIn, step, windowOf } from './screen.mjs';
import { everySource } from './sources.mjs';

/** Where the demo registered the app. */
const PORT = 9730;
const HOME = `http://127.0.0.1:${PORT}`;

/** How often vendors that tell of nothing are asked, in seconds: no more calls than they take. */
const POLL = 8;

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.argv[2] ?? built('sekisho');
const look = looking(process.argv[3]);
/** A small archive of another vendor than the export is of. */
const ARCHIVE = join(here, '../../../fuzz/corpus/files/takeout.zip');

/** A phone as its companion app would have it: paired with the code of the page, it pushes a walk. */
async function pushed(told, code, name) {
  const { token } = await sent(`${told.push_url}/companions`, { code, name });
  const now = new Date();
  const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const walk = {
    recordType: 'Steps',
    count: 1234,
    startTime: ago(40),
    endTime: ago(20),
    metadata: { id: name, lastModifiedTime: ago(19), dataOrigin: 'com.example.walk' },
  };
  const push = { format: 'health-connect/1', batch: '1', sentAt: now.toISOString(), records: [walk] };
  const { stored } = await sent(`${told.push_url}/health-connect`, push, { authorization: `Bearer ${token}` });
  assert.equal(stored, 1);
}

/** A resident reads a checkup, saves its document, and says that they had another: by its day with a number, and by its year alone. */
async function checkups({ page, told, language, name }) {
  await page.locator('nav.menu a[href="/portal/checkups"]').click();
  await look(page, name('03-checkups'));
  assert.equal(await page.locator('section.card').count(), 10, 'ten years of checkups');
  await page.locator('section.card a.button').first().click();
  await look(page, name('03-checkup'));
  const saved = page.waitForEvent('download');
  await page.locator('a[href$="/document"]').click();
  assert.match(await readFile(await (await saved).path(), 'utf8'), /<ClinicalDocument/, 'the document as it came');
  await page.goto(`${told.base_url}/portal/checkups`);
  await page.locator('select[name=kind]').selectOption('checkup_dental');
  await page.locator('input[name=on]').fill('2026-05-01');
  await page.locator('details summary').click();
  await page.locator('input[name="9N006000000000001"]').fill('abc');
  await page.locator('form[action="/portal/checkups"] button').click();
  await look(page, name('03-checkups-wrong'));
  await page.locator('input[name="9N006000000000001"]').fill('62.5');
  await page.locator('form[action="/portal/checkups"] button').click();
  await page.locator('section.card').nth(10).waitFor();
  await look(page, name('03-checkups-declared'));
  await page.locator('section.card a.button').first().click();
  await page.locator('form[action$="/take-back"] button').click();
  assert.equal(await page.locator('section.card').count(), 10, 'what was said is unsaid');
  await page.locator('select[name=kind]').selectOption('checkup_dental');
  await page.locator('select[name=year]').selectOption('2024');
  await page.locator('form[action="/portal/checkups"] button').click();
  const ofYear = page.locator('section.card', { hasText: language === 'ja' ? '受けた日はわかりません' : 'The day is not known' });
  await ofYear.waitFor();
  await look(page, name('03-checkups-of-a-year'));
  await ofYear.locator('a.button').click();
  await look(page, name('03-checkup-of-a-year'));
  await page.locator('form[action$="/take-back"] button').click();
  assert.equal(await page.locator('section.card').count(), 10, 'so is the year');
  step(`${language}: a checkup was read, its document saved, another declared and taken back`);
}

async function story(browser, { told }, resident, language, file) {
  const context = await windowOf(browser, language);
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  const name = (of) => `${language}-${of}`;
  const scene = { page, told, language, look, name, home: HOME };

  await page.goto(`${told.base_url}/portal/upload`);
  await look(page, name('01-sign-in'));
  await signIn(page, resident);
  await look(page, name('02-upload'));
  await page.locator('details summary').first().click();
  await look(page, name('02-what-is-read'));
  await page.locator('input[type=file]').setInputFiles(file);
  await page.locator('form[data-upload] button').click();
  await page.locator('.banner[role=status]').waitFor({ timeout: 120_000 });
  await look(page, name('03-uploaded'));
  step(`${language}: an export went in through the browser`);

  await page.goto(`${told.base_url}/portal/upload`);
  await page.locator('input[type=file]').setInputFiles(ARCHIVE);
  await page.locator('form[data-upload] button').click();
  const six = language === 'ja' ? /^6件を入れました/ : /^6 stored/;
  await page.locator('.banner[role=status] p', { hasText: six }).waitFor({ timeout: 120_000 });
  await look(page, name('03-archive'));
  step(`${language}: an archive of another vendor went in the same way`);

  await checkups(scene);

  await page.goto(`${told.base_url}/portal/upload`);
  await page.locator('a[href="/portal/phones"]').click();
  await look(page, name('03-phones'));
  const button = page.locator('form[action="/portal/phones"] button');
  await button.click();
  await look(page, name('03-phones-code'));
  await pushed(told, (await page.locator('.code').innerText()).trim(), `phone-${language}`);
  await page.goto(`${told.base_url}/portal/phones`);
  await look(page, name('03-phones-paired'));
  const phone = page.locator('section.card', { hasText: `phone-${language}` });
  await phone.locator('button').click();
  assert.equal(await phone.count(), 0, 'a phone that was ended pushes no more');
  await look(page, name('03-phones-ended'));
  step(`${language}: a phone was paired, pushed, and was ended`);

  const vendor = await linked(scene);

  await page.locator('nav.menu a[href="/portal/steps"]').click();
  await page.locator('svg.chart rect.bar').first().waitFor();
  await look(page, name('04-week'));
  await page.locator('a.tab').nth(1).click();
  await look(page, name('05-month'));
  step(`${language}: the steps show by week and month`);

  await page.goto(HOME);
  await page.locator('form[action="/connect"] button').click();
  await page.locator('input[name=activity]').first().waitFor();
  await look(page, name('06-choose'));
  const preset = await page.locator('input[type=checkbox]:checked').count();
  assert.equal(preset, 0, 'nothing is ticked beforehand');
  assert.ok(!(await page.locator('input[name=activity-detail]').first().isVisible()), 'details show once a kind is ticked');
  await page.locator('button.answer[value=review]').click();
  await look(page, name('07-nothing-chosen'));
  await page.locator('input[name=activity]').check();
  assert.ok(await page.locator('input[name=activity-detail][value=daily]').isChecked(), 'the coarser choice stands');
  await page.locator('button[value=fill]').click();
  assert.ok(await page.locator('input[name=activity]').isChecked(), 'the helper loses nothing');
  await page.locator('input[name=from][value=all]').check();
  await page.locator('input[name=until][value="6months"]').check();
  await page.locator('input[name="identity-age_band_and_sex"]').check();
  await page.locator('button.answer[value=review]').click();
  await look(page, name('08-confirm'));
  await page.locator('button[value=agree]').click();
  await page.waitForURL(`${HOME}/**`);
  step(`${language}: agreed to steps only, and came back to the app`);

  for (let months = 0; months < 6 && (await page.locator('tr[data-day]').count()) === 0; months += 1) {
    await page.locator('a[href^="/days?month="]').first().click();
  }
  assert.ok((await page.locator('svg rect').count()) > 0, 'the app draws the steps');
  await look(page, name('09-app'));
  const shown = page.url();
  await corrected(scene, vendor);
  await fed(scene);
  await delegated(scene);

  await page.goto(told.portal_url);
  await look(page, name('10-portal'));
  await page.locator('main a[href^="/portal/consents/"]').first().click();
  await look(page, name('11-consent'));
  await page.locator('a[href*="/receipts/"]').first().click();
  await look(page, name('12-receipt'));
  await page.goto(told.portal_url);
  await page.locator('form[action$="/withdraw"] button').first().click();
  await page.locator('.banner[role=status]').waitFor();
  await look(page, name('13-withdrawn'));
  await unlinked(scene);
  await page.goto(told.portal_url);

  await page.locator('main a[href="/portal/requests"]').click();
  await look(page, name('14-requests'));
  await page.locator('input[name=kind][value=disclosure]').check();
  await page.locator('form[action="/portal/requests"] button').click();
  await page.locator('.banner[role=status]').waitFor();
  await look(page, name('15-requested'));
  await page.goto(`${told.base_url}/portal/explain`);
  await look(page, name('16-explain'));
  step(`${language}: asked to be shown what is kept`);

  await page.goto(shown);
  assert.ok(['refused', 'welcome'].includes(await page.locator('body').getAttribute('data-state')), 'the app is refused');
  assert.equal(await page.locator('tr[data-day]').count(), 0);
  await look(page, name('17-refused'));
  assert.deepEqual(refused.filter((one) => /Content Security Policy|Refused/.test(one)), [], 'no page breaks its own policy');
  step(`${language}: withdrawn with one tap, and the app is refused`);
  await context.close();
}

/** The operator's side: the requests that the residents made, what is due first on top. */
async function office(browser, { told }) {
  const context = await windowOf(browser, 'ja');
  const page = await context.newPage();
  await page.goto(`${told.base_url}/operator/sign-in`);
  await page.locator('input[type=text]').fill(told.operator.login);
  await page.locator('input[type=password]').fill(told.operator.password);
  await page.locator('main button[type=submit]').first().click();
  await page.goto(told.operator_url);
  await look(page, 'office-1-home');
  await page.locator('a[href="/operator/requests"]').click();
  assert.equal(await page.locator('form[action^="/operator/requests/"]').count(), 2);
  await page.locator('textarea').first().fill('紙でお送りしました。');
  await page.locator('button[value=done]').first().click();
  assert.equal(await page.locator('form[action^="/operator/requests/"]').count(), 1);
  await look(page, 'office-2-requests');
  await page.goto(`${told.base_url}/operator/acts`);
  await look(page, 'office-3-acts');
  step('the operator answers a request');
  await context.close();
}

const folder = await mkdtemp(join(tmpdir(), 'sekisho-chromium-'));
const file = join(folder, 'export.zip');
const first = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
execFileSync(binary, ['synthesize', file, '--days', '40', '--heart-rates', '50', '--first-day', first, '--seed', '9']);
const demo = await startDemo(binary, { poll: POLL });
const app = pointApp({ fhirBaseUrl: demo.told.fhir_base_url, clientId: demo.told.client_id, messageSecret: demo.told.message_secret });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await new Promise((done, failed) => app.once('error', failed).listen(PORT, '127.0.0.1', done));
  await story(browser, demo, demo.told.residents[1], 'ja', file);
  await story(browser, demo, demo.told.residents[2], 'en', file);
  await office(browser, demo);
  // Another app of the same client reads from here on.
  app.close();
  app.closeAllConnections();
  await everySource(browser, demo, demo.told.residents[2], HOME);
  console.log('the story is whole in both languages, and with every source');
} catch (error) {
  console.error(`${error.message}\nthe demo last said:\n${demo.said.slice(-20).join('\n')}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  app.close();
  app.closeAllConnections();
  await demo.stop();
  await rm(folder, { recursive: true, force: true });
}
