// How each kind of source is connected, corrects, deletes and is ended: a vendor's cloud and a feed by the control of its
// simulator, a phone as its companion app would push, a file as a resident would bring it; all that a resident does, in the browser.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { got, sent, until } from './screen.mjs';

const MINUTE_MS = 60_000;
const iso = (at) => new Date(at).toISOString();

/** A cloud that a resident connects on the vendor's own page. */
export function cloud({ name, at, kind, members, allow, isSilent }, { page, told, browse }) {
  const links = `${told.base_url}/portal/links`;
  const control = `${told.vendors[name]}/control`;
  const button = page.locator(`a[href="/portal/links/${name}/connect"]`);
  let account;
  let title;
  const point = () => ({ account, kind, start: at, end: at + MINUTE_MS });
  const change = async (body, operation) => {
    await sent(`${control}/points`, { ...point(), body });
    // What nobody tells of is asked for by the clock.
    if (isSilent) return;
    const { status } = await sent(`${control}/notices`, { ...point(), operation });
    // Each vendor wants one of these.
    assert.ok([200, 204].includes(status), `${name} is heard: ${status}`);
  };
  return {
    connect: (first) =>
      browse(async () => {
        await page.goto(links);
        title = await page.locator('section.card', { has: button }).locator('h2').innerText();
        await button.click();
        // Nobody else of the demo connects the third.
        account = await page.locator('select[name=account] option').nth(2).getAttribute('value');
        await sent(`${control}/points`, { ...point(), body: members(first) });
        await page.locator('select[name=account]').selectOption(account);
        for (const scope of allow ? await page.locator('input[name=scope]').all() : []) {
          if (!new RegExp(`openid|${allow}`).test(await scope.getAttribute('value'))) await scope.uncheck();
        }
        await page.locator('button[value=allow]').click();
        await page.waitForURL(links);
      }),
    correct: (second) => change(members(second), 'UPSERT'),
    take: () => change(null, 'DELETE'),
    end: async () => {
      await browse(async () => {
        await page.goto(links);
        const card = page.locator('section.card', { has: page.getByRole('heading', { name: title, exact: true }) });
        await card.locator('form[action^="/portal/links/"][action$="/end"] button').click();
        await button.waitFor();
      });
      const agreed = async () => (await got(`${control}/counts`)).accounts;
      await until(agreed, (accounts) => !accounts.includes(account), `${name}: what the vendor allowed is given back to it`);
    },
  };
}

/** What an organisation receives of many people and passes on: it says whose an account is, and its person ends that. */
export function feed({ name, at, values }, { page, told, browse }) {
  const links = `${told.base_url}/portal/links`;
  const control = `${told.vendors[name]}/control`;
  const card = page.locator('section.card', { has: page.locator('form[action^="/portal/feeds/"]') });
  let said = at;
  // A reading that was changed, or taken back, comes again, and says when.
  const measure = (systolic, deleteFlag = '0') => {
    said += MINUTE_MS;
    const measure = {
      measureDateFrom: String(at),
      timeZone: 'Asia/Tokyo',
      userUpdateDate: String(said),
      deleteFlag,
      bodyIndexList: { 1: [String(systolic), '20496', '0', '1'], 2: ['83', '20496', '0', '2'] },
    };
    // The account that the demo's town says to be its last resident's.
    return sent(`${control}/put`, { group: 'g-01', user: 'u-01', category: '0', model: 'HEM-7281T', serial: 'E', measure });
  };
  return {
    connect: async (first) => {
      await browse(async () => {
        await page.goto(links);
        await card.locator('form[action$="/end"] button').waitFor();
      });
      await measure(first);
    },
    correct: (second) => measure(second),
    take: () => measure(values[1], '1'),
    end: async (live) => {
      await browse(async () => {
        await page.goto(links);
        await card.locator('form[action$="/end"] button').click();
        await card.locator('form[action$="/resume"] button').waitFor();
      });
      await measure(values[2]);
      const asked = async () => (await got(`${control}/counts`)).requests;
      const before = await asked();
      // The first may have been under way when the reading came.
      await until(asked, (now) => now >= before + 2, `${name}: it is asked again`);
      assert.deepEqual(await live(), [], 'of an account that was ended nothing is kept');
    },
  };
}

/** What phones push of a walk, and of one that was deleted. */
const PUSHES = {
  'health-connect': {
    // An edit keeps its id, and says when.
    id: () => 'e2e-walk',
    walks: (id, at, count) => ({
      records: [
        {
          recordType: 'Steps',
          count,
          startTime: iso(at),
          endTime: iso(at + MINUTE_MS),
          metadata: { id, lastModifiedTime: iso(Date.now()), dataOrigin: 'com.example.walk' },
        },
      ],
    }),
    gone: (recordId) => ({ deletionChanges: [{ recordId }] }),
  },
  'apple-health-push': {
    // Samples never change: an edit is another sample, and the deletion of the one before.
    id: (edits) => `e2e-walk-${edits}`,
    walks: (uuid, at, quantity) => ({
      samples: [
        {
          uuid,
          quantityType: 'HKQuantityTypeIdentifierStepCount',
          quantity,
          unit: 'count',
          startDate: iso(at),
          endDate: iso(at + MINUTE_MS),
          sourceRevision: { source: { name: 'iPhone' } },
        },
      ],
    }),
    gone: (uuid) => ({ deletedSamples: [{ uuid }] }),
  },
};

/** A phone whose companion app is paired by a code of the resident's page. */
export function phone({ name, at }, { page, told, browse }) {
  const { id, walks, gone } = PUSHES[name];
  const phones = `${told.base_url}/portal/phones`;
  let token;
  let batch = 0;
  const push = (body) => {
    batch += 1;
    const whole = { format: `${name}/1`, batch: String(batch), sentAt: iso(Date.now()), ...body };
    return sent(`${told.push_url}/${name}`, whole, { authorization: `Bearer ${token}` });
  };
  const stores = async (number, body) => {
    const told = await push(body);
    assert.equal(told.stored, number, `${name}: ${JSON.stringify(told)}`);
  };
  return {
    connect: async (first) => {
      const code = await browse(async () => {
        await page.goto(phones);
        await page.locator('form[action="/portal/phones"] button').click();
        return (await page.locator('.code').innerText()).trim();
      });
      ({ token } = await sent(`${told.push_url}/companions`, { code, name }));
      await stores(1, walks(id(1), at, first));
    },
    correct: (second) => {
      const before = id(1) === id(2) ? {} : gone(id(1));
      return stores(id(1) === id(2) ? 1 : 2, { ...walks(id(2), at, second), ...before });
    },
    take: () => stores(1, gone(id(2))),
    end: async () => {
      await browse(async () => {
        await page.goto(phones);
        const card = page.locator('section.card', { has: page.getByRole('heading', { name, exact: true }) });
        await card.locator('button').click();
        await page.locator('main li', { hasText: name }).waitFor();
      });
      await assert.rejects(push(walks('e2e-late', at, 1)), /: 401$/, `${name}: a phone that was ended pushes no more`);
    },
  };
}

/** A file that a resident brings, and later ones of the same source. `made` makes one of what walks there are, and its number. */
function file({ name, at }, { page, told, browse }, made) {
  const other = { at: at + 10 * MINUTE_MS, steps: 57 };
  let files = 0;
  const bring = (walks, counts) =>
    browse(async () => {
      files += 1;
      await page.goto(`${told.base_url}/portal/upload`);
      await page.locator('input[type=file]').setInputFiles(await made(walks, at + files * 60 * MINUTE_MS));
      // The page before may tell the same of another file.
      const next = page.waitForEvent('framenavigated');
      await page.locator('form[data-upload] button').click();
      await next;
      const banner = page.locator('.banner[role=status] p', { hasText: counts });
      await banner.waitFor({ timeout: 60_000 }).catch(async () => {
        assert.fail(`${name}, file ${files}: ${await page.locator('main').innerText()}`);
      });
    });
  return {
    connect: (first) => bring([{ at, steps: first }, other], /^2件を入れました。0件は前と同じ/),
    correct: (second) => bring([{ at, steps: second }, other], /^1件を入れました。1件は前と同じ/),
    // One may be of fewer types or of a shorter time than the one before: what it lacks was not deleted.
    take: () => bring([other], /^0件を入れました。1件は前と同じ/),
    deletesNothing: true,
  };
}

/** The export of the Health app, as the XML inside it. */
export function exported(source, surroundings) {
  const time = (at) => `${iso(at + 9 * 60 * MINUTE_MS).slice(0, 19).replace('T', ' ')} +0900`;
  const record = ({ at, steps }) =>
    ` <Record type="HKQuantityTypeIdentifierStepCount" sourceName="iPhone" unit="count" creationDate="${time(at + MINUTE_MS)}"` +
    ` startDate="${time(at)}" endDate="${time(at + MINUTE_MS)}" value="${steps}"/>\n`;
  const made = (walks, written) => {
    const head = `<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="ja_JP">\n <ExportDate value="${time(written)}"/>\n`;
    const text = `${head}${walks.map(record).join('')}</HealthData>\n`;
    return { name: 'export.xml', mimeType: 'text/xml', buffer: Buffer.from(text) };
  };
  return file(source, surroundings, made);
}

/** The archive of Google Takeout, in which the records of Fitbit lie; the service itself was switched off. */
export function takeout(source, surroundings) {
  const made = async (walks, written) => {
    const folder = await mkdtemp(join(tmpdir(), 'sekisho-takeout-'));
    try {
      const table = join(folder, 'Takeout/Fitbit/Physical Activity_GoogleData/steps_2026-01-01.csv');
      await mkdir(dirname(table), { recursive: true });
      const rows = walks.map(({ at, steps }) => `${iso(at).slice(0, 19)}Z,${steps},Google Fitbit Air\n`);
      await writeFile(table, `timestamp,steps,data source\n${rows.join('')}`);
      // An archive says no more of when it was made than the times of its files.
      await utimes(table, written / 1000, written / 1000);
      execFileSync('python3', ['-m', 'zipfile', '-c', 'takeout.zip', 'Takeout'], { cwd: folder });
      return { name: 'takeout.zip', mimeType: 'application/zip', buffer: await readFile(join(folder, 'takeout.zip')) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return file(source, surroundings, made);
}
