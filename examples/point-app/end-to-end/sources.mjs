// Each source from end to end, one story for all of them: a resident connects it in the browser, an app reads as FHIR what it
// brought, the source corrects that and deletes it, the app sees both by asking for what changed, and the resident ends it.
// How each source does these things is its own (`source-kinds.mjs`).
import assert from 'node:assert/strict';
import { readingApp } from './reader.mjs';
import { dayOf, signIn, step, until, windowOf, yesterday } from './screen.mjs';
import { cloud, exported, feed, phone, takeout } from './source-kinds.mjs';

const STEPS = { code: 'http://loinc.org|55423-8', value: (one) => one.valueQuantity?.value };
const WEIGHT = { code: 'http://loinc.org|29463-7', value: (one) => one.valueQuantity?.value };
const PRESSURE = {
  code: 'http://loinc.org|85354-9',
  value: ({ component }) => component?.find(({ code }) => code.coding.some((one) => one.code === '8480-6'))?.valueQuantity?.value,
};

/**
 * What each source is, what is looked for, and values that nobody who is made up has: what is said first, what it is corrected to, and
 * of a feed what comes after its end.
 */
const SOURCES = [
  { name: 'google-health', is: cloud, looks: STEPS, values: [231, 232], kind: 'steps', members: (count) => ({ count: String(count) }) },
  { name: 'omron', is: cloud, looks: PRESSURE, values: [171, 172], kind: 'bloodpressure', members: systolic },
  // Only what is allowed there is asked for, and the fewer calls that takes, the sooner what nobody tells of is seen.
  { name: 'google-fit', is: cloud, looks: WEIGHT, values: [91.5, 92.5], kind: 'weight', members: fit, allow: 'body', isSilent: true },
  { name: 'omron-b2b', is: feed, looks: PRESSURE, values: [173, 174, 175] },
  { name: 'health-connect', is: phone, looks: STEPS, values: [233, 234] },
  { name: 'apple-health-push', is: phone, looks: STEPS, values: [235, 236] },
  { name: 'apple-health', is: exported, looks: STEPS, values: [237, 238] },
  { name: 'google-takeout', is: takeout, looks: STEPS, values: [239, 240] },
];

function systolic(value) {
  return { systolic: value, diastolic: 83, bloodPressureUnits: 'mmHg', pulse: 63, pulseUnits: 'bpm' };
}

function fit(value) {
  return { value: [{ fpVal: value }] };
}

/** One source. What it says is at an instant of its own, so that nothing of another is taken for it. */
async function tell(source, app, surroundings) {
  const { code, value } = source.looks;
  const [first, second] = source.values;
  const isOf = (one) => Date.parse(one.effectivePeriod?.start ?? one.effectiveDateTime) === source.at;
  const asks = app.asking(code, dayOf(source.at));
  const found = async () => (await asks()).filter(isOf);
  const live = async () => (await found()).filter(({ status }) => status !== 'entered-in-error');
  const reads = (values, what) =>
    until(async () => (await live()).map(value), (now) => JSON.stringify(now) === JSON.stringify(values), `${source.name}: ${what}`);

  const acts = source.is(source, surroundings);
  await acts.connect(first);
  await reads([first], 'the app reads what the source brought');
  await acts.correct(second);
  await reads([second], 'the app sees the correction');
  const [before] = await live();
  await acts.take();
  if (acts.deletesNothing) {
    await reads([second], 'what a later file lacks stays');
  } else {
    await reads([], 'the app sees the deletion');
    // It is told without its time and its value: by its id alone.
    const gone = (await asks()).find(({ id }) => id === before.id);
    assert.equal(gone?.status, 'entered-in-error', `${source.name}: the deletion is told of`);
    assert.equal(value(gone), undefined, `${source.name}: and no value with it`);
  }
  await acts.end?.(live);
  step(
    acts.deletesNothing
      ? `${source.name}: brought, read by an app as FHIR, corrected by a later file; what that lacks stays`
      : `${source.name}: connected, read by an app as FHIR, corrected, deleted, ended`,
  );
}

/** The resident lets an app read, measurement by measurement. */
async function agree(page, home, categories) {
  await page.goto(`${home}/connect`);
  for (const category of categories) {
    await page.locator(`input.tick[name="${category}"]`).check();
    await page.locator(`input[name="${category}-detail"][value=raw]`).check();
  }
  for (const from of await page.locator('input[name=from][value=all]').all()) await from.check();
  await page.locator('input[name=until][value="6months"]').check();
  await page.locator('button.answer[value=review]').click();
  await page.locator('button[value=agree]').click();
  await page.waitForURL(`${home}/callback**`);
}

/** What several stories do in the one browser happens there one after the other. */
function inTurn() {
  let last = Promise.resolve();
  return (act) => {
    const mine = last.then(act);
    last = mine.catch(() => {});
    return mine;
  };
}

/** Tells the story of every source, of one resident, whom an organisation receives something of. */
export async function everySource(browser, { told }, resident, home) {
  const categories = ['activity', 'body', 'vital-signs'];
  const app = readingApp({ fhirBaseUrl: told.fhir_base_url, clientId: told.client_id, categories });
  const context = await windowOf(browser, 'ja');
  try {
    await new Promise((done, failed) => app.once('error', failed).listen(new URL(home).port, '127.0.0.1', done));
    const page = await context.newPage();
    await page.goto(`${told.base_url}/portal/links`);
    await signIn(page, resident);
    await agree(page, home, categories);

    await page.goto(`${told.base_url}/portal/links`);
    const buttons = page.locator('section.card a[href^="/portal/links/"][href$="/connect"]');
    const offered = await buttons.evaluateAll((all) => all.map((one) => one.getAttribute('href').split('/')[3]));
    const clouds = SOURCES.filter(({ is }) => is === cloud).map(({ name }) => name);
    // Fitbit's own service was switched off: it is not offered, and what it held comes in the archive of Google Takeout.
    assert.deepEqual(offered.sort(), clouds.sort(), 'every cloud that is offered has its story');

    const surroundings = { page, told, browse: inTurn() };
    await Promise.all(SOURCES.map((source, place) => tell({ ...source, at: yesterday(place) }, app, surroundings)));

    const asks = app.asking(STEPS.code, dayOf(yesterday(0)));
    assert.ok((await asks()).length > 0, 'what had come is read after its source was ended');
    await page.goto(told.portal_url);
    await page.locator('form[action$="/withdraw"] button').first().click();
    await page.locator('.banner[role=status]').waitFor();
    // The token is refused, and so is refreshing it.
    await assert.rejects(asks(), /invalid_grant|401/);
    step('every source: what had come was read no more once its person withdrew');
  } finally {
    await context.close();
    app.close();
    app.closeAllConnections();
  }
}
