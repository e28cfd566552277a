// What a resident does on the page of links, seen by them and by the example app: a cloud is connected, corrects, and is ended; a feed;
// the portal of the state.
import assert from 'node:assert/strict';
import { dayOf, sent, step, until, yesterday } from './screen.mjs';

/** Waits until a part of the page says so, loading it anew. */
const comes = (page, part, words, what) =>
  until(
    async () => (await page.reload(), part.innerText()),
    (now) => now.includes(words),
    what,
  );

/** A vendor's cloud is connected on its own page, its data arrives, it is held and goes on; where the vendor is, and which account. */
export async function linked({ page, told, language, look, name }) {
  const links = `${told.base_url}/portal/links`;
  await page.goto(`${told.base_url}/portal/upload`);
  await page.locator('a[href="/portal/links"]').click();
  await look(page, name('03-links'));
  const first = page.locator('section.card', { has: page.locator('a[href$="/connect"]') }).first();
  await first.locator('details summary').click();
  await look(page, name('03-links-gives'));
  await first.locator('a[href$="/connect"]').click();
  // Nobody is connected by a way that somebody else began: the vendor's page knows where to lead back.
  await page.locator('select[name=account]').selectOption({ index: language === 'ja' ? 0 : 1 });
  const vendor = { origin: new URL(page.url()).origin, account: await page.locator('select[name=account]').inputValue() };
  await page.locator('button[value=allow]').click();
  await page.waitForURL(links);
  await look(page, name('03-links-connected'));
  const fetched = language === 'ja' ? '最後に確かめた日時' : 'Last checked';
  await comes(page, page.locator('main'), fetched, 'something is fetched');
  await look(page, name('03-links-fetched'));
  await page.locator('form[action$="/hold"] button').first().click();
  await look(page, name('03-links-held'));
  await page.locator('form[action$="/resume"] button').first().click();
  step(`${language}: a cloud was connected, and its data came`);
  return vendor;
}

/** The vendor adds steps in the night, and takes them back: the app sees both when it asks for what changed. */
export async function corrected({ page, home, language }, { origin, account }) {
  const start = yesterday(0);
  const day = dayOf(start);
  const at = { account, kind: 'steps', start, end: start + 60_000 };
  const control = (path, body) => sent(`${origin}/control/${path}`, body);
  const row = async () => {
    await page.goto(`${home}/days?month=${day.slice(0, 7)}`);
    const found = page.locator(`tr[data-day="${day}"]`);
    return (await found.count()) === 0 ? 'no day' : found.innerText();
  };
  const before = await row();
  await control('points', { ...at, body: { count: '200' } });
  assert.equal((await control('notices', at)).status, 204, 'the vendor tells of it');
  await until(row, (now) => now !== before, 'the app sees the correction');
  await control('points', { ...at, body: null });
  await control('notices', { ...at, operation: 'DELETE' });
  await until(row, (now) => now === before, 'the app sees the deletion');
  step(`${language}: the vendor corrected and deleted, and the app saw both`);
}

/** After a withdrawal the page asks about the link, which is ended there; and a vendor's no comes back as one. */
export async function unlinked({ page, told, language, look, name }) {
  const links = `${told.base_url}/portal/links`;
  await page.locator('.banner form[action^="/portal/links/"][action$="/end"] button').click();
  await page.locator('section.card a[href$="/connect"]').first().waitFor();
  await look(page, name('03-links-ended'));
  // Who says no at the vendor comes back to a page that says so.
  await page.locator('a[href$="/connect"]').first().click();
  await page.locator('button[value=deny]').click();
  await page.locator('h1').waitFor();
  await look(page, name('03-links-denied'));
  await page.locator('main a').first().click();
  await page.waitForURL(links);
  step(`${language}: the cloud was ended`);
}

/** What a town receives of many people and passes on: its resident sees it, ends it, and takes it up again. */
export async function fed({ page, told, language, look, name }) {
  const links = `${told.base_url}/portal/links`;
  const came = language === 'ja' ? '最後に届いた日時' : 'Last received';
  const card = page.locator('section.card', { has: page.locator('form[action^="/portal/feeds/"]') });
  await page.goto(links);
  if ((await card.count()) === 0) return;
  await comes(page, card, came, 'a feed is read');
  await card.locator('details summary').click();
  await look(page, name('03-feed'));
  await card.locator('button').click();
  await look(page, name('03-feed-ended'));
  await card.locator('button').click();
  step(`${language}: a feed was seen, ended, and taken up again`);
}

/** A resident lets the portal of the state hand over their checkups, by somebody else's card first, and ends it. */
export async function delegated({ page, told, language, look, name }) {
  const links = `${told.base_url}/portal/links`;
  const begin = page.locator('a[href="/portal/delegations/myna-portal/begin"]');
  const shows = async (holder) => {
    await page.goto(links);
    await begin.click();
    await page.locator('select[name=holder]').selectOption({ index: holder });
    await page.locator('button').click();
  };
  const own = language === 'ja' ? 1 : 2;
  await shows(0);
  await page.waitForURL(links);
  await look(page, name('03-portal-another'));
  await shows(own);
  await page.locator('button[value=deny]').click();
  await page.waitForURL(links);
  await shows(own);
  await page.locator('button[value=agree]').click();
  await page.waitForURL(links);
  await look(page, name('03-portal-collecting'));
  const fetched = language === 'ja' ? '受け取っています。' : 'Connected.';
  await comes(page, page.locator('main'), fetched, 'the portal has it');
  await look(page, name('03-portal-fetched'));
  await page.locator('form[action^="/portal/delegations/"] button').click();
  await begin.waitFor();
  step(`${language}: the portal handed over, and was ended`);
}
