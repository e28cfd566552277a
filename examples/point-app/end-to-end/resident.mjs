// What a resident does in the gateway's pages: signs in, agrees, withdraws. Forms are found by what they are for, and
// whatever else stands in them is sent as it stands.
import { buttonsOf, valuesOf, wordsOf } from './browser.mjs';

const formWith = (page, selector) => page.html.querySelectorAll('form').find((form) => form.querySelector(selector));

function stuck(page, wanted) {
  const title = page.html.querySelector('title')?.text ?? '';
  const alert = page.html.querySelector('[role=alert]')?.text.replace(/\s+/g, ' ') ?? '';
  return new Error(`expected ${wanted} at ${new URL(page.url).pathname}, found ${page.status} "${title}" ${alert}`);
}

/** From wherever signing in is asked for to the page behind it. */
export async function signIn(browser, page, { login, password }) {
  // The gateway's own page before the provider's: a link or a button without fields.
  for (let steps = 0; steps < 3 && !formWith(page, 'input[type=password]'); steps += 1) {
    const link = page.html.querySelectorAll('main a[href], a.button[href]').find((one) => /sign-in/.test(one.getAttribute('href')));
    if (!link) throw stuck(page, 'a way to sign in');
    page = await browser.open(new URL(link.getAttribute('href').replaceAll('&amp;', '&'), page.url).href, { referer: page.url });
  }
  const form = formWith(page, 'input[type=password]');
  if (!form) throw stuck(page, 'a form with a password');
  const secret = form.querySelector('input[type=password]').getAttribute('name');
  const name = form.querySelector('input[type=text], input[type=email], input:not([type])').getAttribute('name');
  const next = await browser.submit(page, form, { choices: { [name]: login, [secret]: password }, button: buttonsOf(form)[0] });
  if (formWith(next, 'input[type=password]')) throw stuck(next, 'to be signed in');
  return next;
}

/** The consent form of a page: the one where something is asked for each category. */
export function consentForm(page) {
  const form = formWith(page, 'input.tick');
  if (!form) throw stuck(page, 'the consent form');
  return form;
}

/** What is ticked or chosen before the resident has touched anything. */
export function preTicked(form) {
  const fields = form.querySelectorAll('input[type=radio], input[type=checkbox]');
  return fields
    // How finely a category would be given stands at the day's summary; the tick before it is what gives it.
    .filter((one) => one.hasAttribute('checked') && !/-detail$/.test(one.getAttribute('name')))
    .map((one) => `${one.getAttribute('name')}=${one.getAttribute('value')}`);
}

/** Agrees to one category by day, to all days there are, and to the age band and sex; leaves everything else off. */
export async function agreeToDaily(browser, page, category) {
  const form = consentForm(page);
  const choices = { [category]: 'yes', [`${category}-detail`]: 'daily' };
  for (const radio of form.querySelectorAll('input[type=radio]')) {
    const [name, value] = [radio.getAttribute('name'), radio.getAttribute('value')];
    if (value === 'all') choices[name] = 'all';
    if (!(name in choices) && /^\d+(month|year)/.test(value)) choices[name] = value;
  }
  const band = form.querySelectorAll('input[type=checkbox]').find((one) => /age_band/.test(wordsOf(one, form)));
  if (!band) throw stuck(page, 'a line for age band and sex');
  choices[band.getAttribute('name')] = band.getAttribute('value') ?? 'on';
  const review = await browser.submit(page, form, { choices, button: buttonNamed(page, form, 'review') });
  const confirm = formWith(review, 'button[value=agree]');
  if (!confirm) throw stuck(review, 'the page to confirm');
  return browser.submit(review, confirm, { button: buttonNamed(review, confirm, 'agree') });
}

function buttonNamed(page, form, value) {
  const button = buttonsOf(form).find((one) => one.getAttribute('value') === value && !one.hasAttribute('disabled'));
  if (!button) throw stuck(page, `a button ${value}`);
  return button;
}

/** Refuses on the consent page. */
export async function refuse(browser, page) {
  const form = consentForm(page);
  const button = buttonsOf(form).find((one) => /refuse|deny|decline/.test(one.getAttribute('value') ?? ''));
  return browser.submit(page, form, { button });
}

/** The forms of the portal that withdraw a consent. */
export function withdrawals(page) {
  return page.html.querySelectorAll('form').filter((form) => /withdraw/.test(form.getAttribute('action') ?? ''));
}

/** Withdraws one consent with one tap. */
export async function withdraw(browser, page, form) {
  if (!form) throw stuck(page, 'a consent to withdraw');
  if (valuesOf(form).length === 0) throw stuck(page, 'a form that is protected against forgery');
  return browser.submit(page, form, { button: buttonsOf(form)[0] });
}
