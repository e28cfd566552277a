// An app that keeps what it is given: it connects by standalone launch with fhirclient, and then asks, code by code, for what
// changed since it asked last. It knows nothing of sources: whatever is corrected or deleted there, it has to see as FHIR.
import { createServer } from 'node:http';
import smart from 'fhirclient';

const CATEGORY = 'https://sekisho.example/fhir/CodeSystem/consent-category';

/** The app as a server that is not listening yet; `/connect` begins, and once `/callback` was answered `asking` works. */
export function readingApp({ fhirBaseUrl, clientId, categories }) {
  const observations = categories.map((one) => `patient/Observation.rs?category=${CATEGORY}|${one}`);
  const scope = ['launch/patient', 'offline_access', ...observations].join(' ');
  const store = new Map();
  const storage = {
    get: async (key) => store.get(key),
    set: async (key, value) => (store.set(key, value), value),
    unset: async (key) => store.delete(key),
  };
  let client;
  const routes = {
    '/connect': (request, response) =>
      smart(request, response, storage).authorize({ iss: fhirBaseUrl, clientId, scope, redirectUri: '/callback', pkceMode: 'required' }),
    '/callback': async (request, response) => {
      client = await smart(request, response, storage).ready();
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!doctype html><html lang="en"><title>Connected</title><h1>Connected</h1>');
    },
    // What is told of consents; what it means for an app is shown by the example app.
    '/messages': async (_, response) => response.writeHead(204).end(),
  };
  const server = createServer((request, response) => {
    const route = routes[request.url.split('?')[0]];
    if (!route) return response.writeHead(404).end();
    route(request, response).catch((error) => response.writeHead(502).end(error.message));
  });

  /** A question after a code since a day: each time it is asked it gives all that is known of it, by what changed meanwhile. */
  server.asking = (code, since) => {
    const kept = new Map();
    let upTo;
    return async () => {
      const query = new URLSearchParams({ patient: client.patient.id, code, date: `ge${since}`, _count: '200' });
      if (upTo) query.append('_lastUpdated', `gt${upTo}`);
      const bundles = await client.request(`Observation?${query}`, { pageLimit: 0 });
      for (const { resource } of bundles.flatMap(({ entry = [] }) => entry)) {
        if (resource.resourceType === 'Observation') kept.set(resource.id, resource);
      }
      upTo = bundles[0]?.meta?.lastUpdated ?? upTo;
      return [...kept.values()];
    };
  };
  return server;
}
