// A browser without a screen: fetch, a cookie jar, redirects followed by hand, and forms as they stand in the page, so that
// what is submitted is what a person's browser would submit.
import { parse } from 'node-html-parser';

export class Browser {
  /** By host: browsers tell cookies apart by host and not by port. */
  #jar = new Map();

  /** An address that is not opened: whoever is sent there has arrived. */
  #stopAt;

  constructor({ stopAt } = {}) {
    this.#stopAt = stopAt;
  }

  /** Opens an address as a person would, follows redirects, and gives the page where they end. */
  async open(url, { method = 'GET', form, referer } = {}) {
    for (let hops = 0; hops < 20; hops += 1) {
      const target = new URL(url);
      if (this.#stopAt && target.href.startsWith(this.#stopAt)) return { url: target.href, status: 0, text: '', html: parse('') };
      const headers = { accept: 'text/html', 'accept-language': 'ja,en;q=0.8' };
      const cookies = this.#cookies(target);
      if (cookies) headers.cookie = cookies;
      if (referer) headers.referer = referer;
      if (method === 'POST') {
        headers['content-type'] = 'application/x-www-form-urlencoded';
        if (referer) {
          headers.origin = new URL(referer).origin;
          headers['sec-fetch-site'] = headers.origin === target.origin ? 'same-origin' : 'cross-site';
        }
      }
      const response = await fetch(target, { method, headers, body: form?.toString(), redirect: 'manual' });
      this.#keep(target, response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || !location) {
        const text = await response.text();
        const html = parse(text);
        // A page that leads on by itself at once, as after a form: a browser follows.
        const leads = /^0;url=(.+)$/.exec(html.querySelector('meta[http-equiv=refresh]')?.getAttribute('content') ?? '');
        if (!leads) return { url: target.href, status: response.status, text, html };
        url = new URL(leads[1].replaceAll('&#38;', '&').replaceAll('&amp;', '&'), target).href;
        method = 'GET';
        form = undefined;
        referer = undefined;
        continue;
      }
      await response.body?.cancel();
      if (response.status === 307 || response.status === 308) throw new Error(`${target.pathname} asks to send a form again`);
      url = new URL(location, target).href;
      method = 'GET';
      form = undefined;
    }
    throw new Error(`too many redirects, last to ${new URL(url).pathname}`);
  }

  /** Submits a form of a page: what stands in it, changed by `choices` (name to value, or null to leave out), by `button`. */
  async submit(page, form, { choices = {}, button } = {}) {
    const fields = valuesOf(form).filter(([name]) => !(name in choices));
    for (const [name, value] of Object.entries(choices)) if (value !== null) fields.push([name, value]);
    if (button?.getAttribute('name')) fields.push([button.getAttribute('name'), button.getAttribute('value') ?? '']);
    const action = button?.getAttribute('formaction') ?? form.getAttribute('action') ?? '';
    const url = new URL(action, page.url);
    const method = (button?.getAttribute('formmethod') ?? form.getAttribute('method') ?? 'get').toUpperCase();
    const data = new URLSearchParams(fields);
    if (method === 'GET') {
      url.search = data.toString();
      return this.open(url.href, { referer: page.url });
    }
    return this.open(url.href, { method, form: data, referer: page.url });
  }

  /** Forgets everything, as another person's browser. */
  forget() {
    this.#jar.clear();
  }

  #cookies(url) {
    const mine = [...(this.#jar.get(url.hostname)?.values() ?? [])];
    return mine
      .filter(({ path }) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keep(url, headers) {
    const jar = this.#jar.get(url.hostname) ?? new Map();
    this.#jar.set(url.hostname, jar);
    for (const header of headers) {
      const [pair, ...attributes] = header.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const attribute = (wanted) =>
        attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const over = Number(attribute('max-age') ?? 1) <= 0 || Date.parse(attribute('expires') ?? '2999-01-01') < Date.now();
      const path = attribute('path') ?? url.pathname.replace(/\/[^/]*$/, '') ?? '/';
      if (over) jar.delete(name);
      else jar.set(name, { name, value, path: path || '/' });
    }
  }
}

/** What a form would send as it stands: names and values of all its fields that are on. */
export function valuesOf(form) {
  const values = [];
  for (const field of form.querySelectorAll('input, select, textarea')) {
    const name = field.getAttribute('name');
    if (!name || field.hasAttribute('disabled')) continue;
    const tag = field.tagName.toLowerCase();
    const type = (field.getAttribute('type') ?? 'text').toLowerCase();
    if (tag === 'select') {
      const options = field.querySelectorAll('option');
      const chosen = options.find((one) => one.hasAttribute('selected')) ?? options[0];
      if (chosen) values.push([name, chosen.getAttribute('value') ?? chosen.text]);
    } else if (tag === 'textarea') {
      values.push([name, field.text]);
    } else if (type === 'checkbox' || type === 'radio') {
      if (field.hasAttribute('checked')) values.push([name, field.getAttribute('value') ?? 'on']);
    } else if (!['submit', 'button', 'image', 'reset', 'file'].includes(type)) {
      values.push([name, field.getAttribute('value') ?? '']);
    }
  }
  return values;
}

/** All that one could press to send a form. */
export function buttonsOf(form) {
  return form
    .querySelectorAll('button, input[type=submit]')
    .filter((one) => (one.getAttribute('type') ?? 'submit') === 'submit');
}

/** Name, value, id and words of a field or button together, for recognising it. */
export function wordsOf(element, form) {
  const id = element.getAttribute('id');
  const label = id ? form?.querySelectorAll('label').find((one) => one.getAttribute('for') === id) : undefined;
  const parts = ['name', 'value', 'id', 'aria-label'].map((name) => element.getAttribute(name) ?? '');
  return [...parts, element.text ?? '', label?.text ?? ''].join(' ').replace(/\s+/g, ' ').trim();
}
