// A health-point app of a third party: connects to a Sekisho gateway by standalone launch (public client, PKCE) with the
// library fhirclient as it is, reads a month of daily steps, and shows which days earned points. It knows nothing of the
// gateway but its FHIR address and its own client id. Sessions live in memory.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import smart from 'fhirclient';
import { Webhook } from 'standardwebhooks';
import * as pages from './page.mjs';
import { earned } from './points.mjs';
import { bounds, bringUpToDate, drawn, person } from './steps.mjs';

const SCOPE = [
  'launch/patient',
  'offline_access',
  'patient/Patient.r',
  'patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|activity',
].join(' ');

const COOKIE = 'point-app';
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/**
 * The app as a server that is not listening yet. `fhirBaseUrl`, `clientId` and `messageSecret` are what the gateway's operator
 * gave; without the secret no message is taken.
 */
export function pointApp({ fhirBaseUrl, clientId, messageSecret }) {
  const sessions = new Map();
  /** What the gateway told about consents, the latest last. */
  const told = [];
  /** Messages come at least once: each is heard once. */
  const heard = new Set();

  /** The session of a request; made, and its cookie set, where there is none. */
  function session(request, response) {
    const id = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1];
    if (id && sessions.has(id)) return sessions.get(id);
    const fresh = { id: randomUUID(), store: new Map(), months: new Map() };
    sessions.set(fresh.id, fresh);
    response.setHeader('set-cookie', `${COOKIE}=${fresh.id}; HttpOnly; SameSite=Lax; Path=/`);
    return fresh;
  }

  /** What fhirclient keeps: in our session, never in the browser. */
  const storage = ({ store }) => ({
    get: async (key) => store.get(key),
    set: async (key, value) => (store.set(key, value), value),
    unset: async (key) => store.delete(key),
  });

  const routes = {
    'GET /': async (_, response) => show(response, 200, pages.welcome()),

    'POST /connect': async (request, response) => {
      const mine = session(request, response);
      mine.store.clear();
      mine.months.clear();
      delete mine.answers;
      // Only the path: fhirclient would take `iss` and others from a query, and so from anybody's link.
      const plain = Object.assign(Object.create(request), { url: '/connect' });
      await smart(plain, response, storage(mine)).authorize({
        iss: fhirBaseUrl,
        clientId,
        scope: SCOPE,
        redirectUri: '/callback',
        pkceMode: 'required',
      });
    },

    'GET /callback': async (request, response) => {
      const url = new URL(request.url, 'http://app');
      if (url.searchParams.get('error') === 'access_denied') return show(response, 200, pages.welcome());
      await smart(request, response, storage(session(request, response))).ready();
      redirect(response, '/days');
    },

    'GET /days': async (request, response) => {
      const mine = session(request, response);
      const asked = new URL(request.url, 'http://app').searchParams.get('month') ?? thisMonth();
      if (!MONTH.test(asked)) return redirect(response, '/days');
      if (mine.store.size === 0) return redirect(response, '/');
      const client = await smart(request, response, storage(mine)).ready();
      const known = { ...person(await patientOf(client)), ...mine.answers };
      // Whoever does not hear that a consent changed keeps nothing: what is not given any more must not show.
      const kept = (messageSecret && mine.months.get(asked)) || { observations: new Map() };
      mine.months.set(asked, kept);
      await bringUpToDate(client, asked, kept);
      const days = earned(drawn(asked, kept, today()), known);
      show(response, 200, pages.month({ month: asked, ...around(asked), days, person: known }));
    },

    'POST /about-me': async (request, response) => {
      const form = new URLSearchParams(await body(request));
      const age = Number(form.get('age'));
      const answers = {};
      if (form.get('age') && Number.isInteger(age) && age >= 0 && age <= 120) Object.assign(answers, { low: age, high: age });
      if (['male', 'female'].includes(form.get('sex'))) answers.sex = form.get('sex');
      const mine = session(request, response);
      mine.answers = { ...mine.answers, ...answers };
      redirect(response, MONTH.test(form.get('month') ?? '') ? `/days?month=${form.get('month')}` : '/days');
    },

    // The gateway says that a consent changed or ended (Standard Webhooks).
    'POST /messages': async (request, response) => {
      const text = await body(request);
      let message;
      try {
        message = new Webhook(messageSecret ?? '').verify(text, request.headers);
      } catch {
        return answer(response, 401);
      }
      if (!heard.has(request.headers['webhook-id'])) {
        heard.add(request.headers['webhook-id']);
        told.push(message);
        // Sessions live in memory and hold the only data there is: what ended is forgotten with them.
        if (message.type === 'consent.changed') readAnew(message.data.patient);
        else forget(message.data.patient);
      }
      answer(response, 204);
    },

    'POST /forget': async (request, response) => {
      sessions.delete(session(request, response).id);
      redirect(response, '/');
    },
  };

  /** The sessions of one patient. */
  const of = (patient) =>
    [...sessions.values()].filter(({ store }) => [...store.values()].some((value) => `Patient/${value?.tokenResponse?.patient}` === patient));

  /** Forgets everything of one patient. */
  function forget(patient) {
    for (const { id } of of(patient)) sessions.delete(id);
  }

  /**
   * What a consent was narrowed by must go, and what it was widened by is older than what we last asked for: all is read from the
   * start, and points are drawn anew of what is given now.
   */
  function readAnew(patient) {
    for (const { months } of of(patient)) months.clear();
  }

  const server = createServer(async (request, response) => {
    const route = routes[`${request.method} ${request.url.split('?')[0]}`];
    try {
      if (!route) return show(response, 404, pages.failed('ページがありません。', 'There is no such page.'));
      await route(request, response);
    } catch (error) {
      if (isRefusal(error)) return show(response, 403, pages.refused());
      console.error(`${request.method} ${request.url.split('?')[0]}: ${error.name}: ${error.message.split('\n')[0]}`);
      show(response, 502, pages.failed('関所とのやりとりに失敗しました。', 'The gateway could not be asked.'));
    }
  });
  server.told = told;
  return server;
}

function answer(response, status) {
  response.writeHead(status);
  response.end();
}

/** The Patient, as far as the resident agreed; null where it may not be read at all. */
async function patientOf(client) {
  try {
    return await client.patient.read();
  } catch (error) {
    if (error.status === 403 || error.status === 404) return null;
    throw error;
  }
}

/** True when the gateway does not let us read any more: the token was refused, and so was refreshing it. */
function isRefusal(error) {
  return error.status === 401 || error.status === 403 || /invalid_grant/.test(error.message ?? '');
}

/** Today in Japan, where the residents are. */
function today() {
  return new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);
}

const thisMonth = () => today().slice(0, 7);

function around(month) {
  const before = new Date(`${bounds(month)[0]}T00:00:00Z`);
  before.setUTCDate(0);
  return { previous: before.toISOString().slice(0, 7), next: bounds(month)[1].slice(0, 7) };
}

async function body(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 4096) throw new Error('a form of this app is short');
  }
  return text;
}

function show(response, status, html) {
  if (response.headersSent) return response.end();
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(html);
}

function redirect(response, location) {
  response.writeHead(303, { location });
  response.end();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { FHIR_BASE_URL, CLIENT_ID, MESSAGE_SECRET, PORT = '9730' } = process.env;
  if (!FHIR_BASE_URL || !CLIENT_ID) {
    console.error('Set FHIR_BASE_URL and CLIENT_ID: `sekisho demo` prints both. See README.md.');
    process.exit(2);
  }
  pointApp({ fhirBaseUrl: FHIR_BASE_URL, clientId: CLIENT_ID, messageSecret: MESSAGE_SECRET }).listen(Number(PORT), '127.0.0.1', () => {
    console.log(`Open http://127.0.0.1:${PORT}/`);
  });
}
