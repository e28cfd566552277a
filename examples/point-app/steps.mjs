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
 * The days of a month that have steps, in order: `{ day, steps, final }`. Small pages, all of them followed, so that what
 * a resident withdraws while we read stops at the next page.
 */
export async function dailySteps(client, month) {
  const [from, before] = bounds(month);
  const query = new URLSearchParams([
    ['patient', client.patient.id],
    ['code', DAILY_STEPS],
    ['date', `ge${from}`],
    ['date', `lt${before}`],
    ['_sort', 'date'],
    ['_count', '10'],
  ]);
  const found = await client.request(`Observation?${query}`, { pageLimit: 0, flat: true });
  return days(found);
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
    byDay.set(day, { day, steps, final: one.status !== 'preliminary', resolved });
  }
  return [...byDay.values()]
    .sort((one, two) => one.day.localeCompare(two.day))
    .map(({ day, steps, final }) => ({ day, steps, final }));
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
