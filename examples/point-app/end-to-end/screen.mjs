// What is done with any page in Chromium: it is looked at, signed in on, and waited for.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const step = (text) => console.log(`- ${text}`);

/** Looks at a page as it stands: accessibility, width, and a picture where a folder is named for them. */
export const looking = (pictures) => async (page, name) => {
  const { violations } = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ['violations'] }); })()`);
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map((one) => one.html).join(' ')}`);
  assert.deepEqual(found, [], `${name} at ${page.url()}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px`);
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
};

export async function signIn(page, { login, password }) {
  await page.locator('main a.button').first().click();
  await page.locator('input[type=text]').fill(login);
  await page.locator('input[type=password]').fill(password);
  await page.locator('main button[type=submit]').first().click();
}

/** A browser window of somebody who reads this language, at phone width. */
export const windowOf = (browser, language) =>
  browser.newContext({
    viewport: { width: 360, height: 740 },
    locale: language === 'ja' ? 'ja-JP' : 'en-GB',
    extraHTTPHeaders: { 'accept-language': language },
  });

/**
 * Asks again and again until it holds; what was asked last is told where it never does. A call that a busy machine cuts off is made
 * again after half a minute, and after a minute the second time: that is waited for.
 */
export async function until(asked, holds, what, patience = 150_000) {
  const late = Date.now() + patience;
  for (;;) {
    const now = await asked();
    if (holds(now)) return now;
    if (Date.now() > late) assert.fail(`${what}: it is ${JSON.stringify(now)} after ${patience / 1000} s`);
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** An instant of yesterday in Japan, where the residents live: in the night, when none of those who are made up walks. */
export const yesterday = (minutes) => {
  const day = new Date(Date.now() + 9 * 3_600_000 - 86_400_000).toISOString().slice(0, 10);
  return Date.parse(`${day}T03:00:00+09:00`) + minutes * 60_000;
};

/** The day of an instant in Japan. */
export const dayOf = (at) => new Date(at + 9 * 3_600_000).toISOString().slice(0, 10);

/** Sends JSON, and gives the answer's. */
export async function sent(url, body, headers = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${url}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

/** The JSON that lies at an address. */
export async function got(url) {
  const answer = await fetch(url);
  assert.ok(answer.ok, `${url}: ${answer.status}`);
  return answer.json();
}
