// What the app reads of a resident, through fhirclient: a month of daily steps, and their age and sex where they agreed.

const DAILY_STEPS = 'http://loinc.org|41950-7';
const DAILY_TOTAL = 'https://sekisho.example/fhir/StructureDefinition/daily-total';
const AGE_BAND = 'https://sekisho.example/fhir/StructureDefinition/age-band';

/** The first day of a month `YYYY-MM`, and of the month after it. */
export function bounds(month) {
  const [year, number] = month.split('-').map(Number);
  const next = number === 12 ? [year + 1, 1] : [year, number + 1];
  return [`${month}-01`, `${next[0]}-${String(next[1]).padStart(2, '0')}-01`];
}

/**
 * Brings what is kept of a month up to date: `{ observations, upTo }`, by id. The first time everything is read, later only what
 * changed since. Small pages, all of them followed, so that what a resident withdraws while we read stops at the next page.
 */
export async function bringUpToDate(client, month, kept) {
  const [from, before] = bounds(month);
  const query = new URLSearchParams([
    ['patient', client.patient.id],
    ['code', DAILY_STEPS],
    ['date', `ge${from}`],
    ['date', `lt${before}`],
    ['_sort', 'date'],
    ['_count', '10'],
  ]);
  if (kept.upTo) query.append('_lastUpdated', `gt${kept.upTo}`);
  const bundles = await client.request(`Observation?${query}`, { pageLimit: 0 });
  for (const { resource } of bundles.flatMap(({ entry = [] }) => entry)) {
    if (resource.resourceType === 'Observation') kept.observations.set(resource.id, resource);
  }
  // The first page's: what changes while the others are read comes again the next time.
  kept.upTo = bundles[0]?.meta?.lastUpdated ?? kept.upTo;
}

/**
 * The days of a month: `{ day, steps, final, version }`. Points of a month are drawn on the 2nd of the next: from then on the days
 * stay as they were drawn, and what the gateway amends later stands beside them as `corrected`.
 */
export function drawn(month, kept, today) {
  const now = days(kept.observations.values());
  if (today < `${bounds(month)[1].slice(0, 8)}02`) return now;
  kept.drawn ??= now;
  const versions = new Map(now.map((one) => [one.day, one]));
  const late = now.filter(({ day }) => !kept.drawn.some((one) => one.day === day));
  return [...kept.drawn, ...late.map((one) => ({ ...one, steps: 0, version: null }))]
    .sort((one, two) => one.day.localeCompare(two.day))
    .map((one) => {
      const latest = versions.get(one.day);
      return latest?.version === one.version ? one : { ...one, corrected: latest?.steps ?? 0 };
    });
}

/** One entry a day out of Observations of daily steps. */
export function days(observations) {
  const byDay = new Map();
  for (const one of observations) {
    const day = one.effectiveDateTime?.slice(0, 10);
    const steps = one.valueQuantity?.value;
    if (one.resourceType !== 'Observation' || one.status === 'entered-in-error' || !day || steps === undefined) continue;
    // The gateway's own total is resolved between devices; a device's own total of the day stands in where there is none.
    const resolved = one.meta?.profile?.includes(DAILY_TOTAL) ?? false;
    const known = byDay.get(day);
    if (known && (known.resolved || !resolved) && (known.resolved !== resolved || known.steps >= steps)) continue;
    byDay.set(day, { day, steps, final: one.status !== 'preliminary', version: `${one.id}/${one.meta?.versionId}`, resolved });
  }
  return [...byDay.values()]
    .sort((one, two) => one.day.localeCompare(two.day))
    .map(({ day, steps, final, version }) => ({ day, steps, final, version }));
}

/** What the Patient says of age and sex; empty where the resident did not agree to that. */
export function person(patient) {
  const known = {};
  if (patient?.gender === 'male' || patient?.gender === 'female') known.sex = patient.gender;
  if (/^\d{4}-\d\d-\d\d$/.test(patient?.birthDate ?? '')) known.birthDate = patient.birthDate;
  const band = patient?.extension?.find(({ url }) => url === AGE_BAND)?.valueRange;
  if (band) Object.assign(known, { low: band.low?.value ?? 0, high: band.high?.value ?? 150 });
  return known;
}
