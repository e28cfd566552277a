// The table of points, and reading days and persons out of FHIR.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOn, earned, needed, neededInBand } from '../points.mjs';
import { bounds, bringUpToDate, days, drawn, person } from '../steps.mjs';

test('the table is that of the programme', () => {
  const rows = [
    [39, 8000, 6000],
    [40, 7000, 5500],
    [64, 7000, 5500],
    [65, 4000, 4000],
    [100, 4000, 4000],
  ];
  for (const [age, male, female] of rows) assert.deepEqual([needed('male', age), needed('female', age)], [male, female]);
  assert.equal(needed('other', 30), null);
});

test('an age band that lies across two rows decides nothing', () => {
  assert.equal(neededInBand('male', 40, 49), 7000);
  assert.equal(neededInBand('female', 70, 79), 4000);
  assert.equal(neededInBand('male', 60, 69), null);
  assert.equal(neededInBand(undefined, 40, 49), null);
});

test('a birthday changes what a day needs on that day', () => {
  assert.equal(ageOn('1961-05-10', '2026-05-09'), 64);
  assert.equal(ageOn('1961-05-10', '2026-05-10'), 65);
  const two = [
    { day: '2026-05-09', steps: 5000 },
    { day: '2026-05-10', steps: 5000 },
  ];
  const shown = earned(two, { sex: 'female', birthDate: '1961-05-10' });
  assert.deepEqual(shown.map((one) => [one.needed, one.earned]), [
    [5500, false],
    [4000, true],
  ]);
});

test('exactly enough is enough, and an unknown person earns nothing', () => {
  const day = [{ day: '2026-05-01', steps: 7000 }];
  assert.equal(earned(day, { sex: 'male', low: 50, high: 59 })[0].earned, true);
  assert.equal(earned([{ ...day[0], steps: 6999 }], { sex: 'male', low: 50, high: 59 })[0].earned, false);
  assert.deepEqual(earned(day, {})[0], { ...day[0], needed: null, earned: false });
});

test('months end where they end', () => {
  assert.deepEqual(bounds('2026-12'), ['2026-12-01', '2027-01-01']);
  assert.deepEqual(bounds('2026-02'), ['2026-02-01', '2026-03-01']);
});

test("the gateway's own total of a day stands before a device's, and what was entered in error is left out", () => {
  const observation = (day, value, more = {}) => ({
    resourceType: 'Observation',
    id: `o${value}`,
    status: 'final',
    effectiveDateTime: day,
    valueQuantity: { value },
    ...more,
  });
  const total = { meta: { versionId: '3', profile: ['https://sekisho.example/fhir/StructureDefinition/daily-total'] } };
  const found = days([
    observation('2026-05-02', 9000),
    observation('2026-05-02', 6400, total),
    observation('2026-05-02', 9999),
    observation('2026-05-01', 100, { status: 'preliminary', meta: { versionId: '1' } }),
    observation('2026-05-03', 1, { status: 'entered-in-error' }),
    { resourceType: 'OperationOutcome' },
  ]);
  assert.deepEqual(found, [
    { day: '2026-05-01', steps: 100, final: false, version: 'o100/1' },
    { day: '2026-05-02', steps: 6400, final: true, version: 'o6400/3' },
  ]);
});

test('a person is known as far as they agreed', () => {
  assert.deepEqual(person(null), {});
  assert.deepEqual(person({ resourceType: 'Patient', id: 'p1' }), {});
  const band = {
    url: 'https://sekisho.example/fhir/StructureDefinition/age-band',
    valueRange: { low: { value: 60 }, high: { value: 69 } },
  };
  assert.deepEqual(person({ gender: 'female', extension: [band] }), { sex: 'female', low: 60, high: 69 });
  assert.deepEqual(person({ gender: 'male', birthDate: '1961-05-10' }), { sex: 'male', birthDate: '1961-05-10' });
});

test('what was kept is brought up to date with what changed since, and points stay as they were drawn', async () => {
  const day = (number, steps, version, more = {}) => ({
    resource: {
      resourceType: 'Observation',
      id: `o${number}`,
      status: 'final',
      effectiveDateTime: `2026-05-0${number}`,
      valueQuantity: { value: steps },
      meta: { versionId: String(version) },
      ...more,
    },
  });
  const asked = [];
  let answer;
  const client = { patient: { id: 'p1' }, request: async (path) => (asked.push(new URLSearchParams(path.split('?')[1])), answer) };
  const kept = { observations: new Map() };

  answer = [
    { meta: { lastUpdated: '2026-06-01T00:00:00Z' }, entry: [day(1, 5000, 1), day(2, 6000, 1)] },
    { meta: { lastUpdated: '2026-06-01T00:00:09Z' }, entry: [day(3, 7000, 1)] },
  ];
  await bringUpToDate(client, '2026-05', kept);
  assert.equal(asked[0].get('_lastUpdated'), null);
  assert.equal(drawn('2026-05', kept, '2026-06-01').length, 3);
  assert.equal(kept.drawn, undefined, 'points are drawn on the 2nd');
  assert.deepEqual(drawn('2026-05', kept, '2026-06-02').map(({ steps }) => steps), [5000, 6000, 7000]);

  const error = { status: 'entered-in-error', valueQuantity: undefined };
  answer = [{ meta: { lastUpdated: '2026-06-05T00:00:00Z' }, entry: [day(2, 6500, 2), day(3, 0, 2, error), day(4, 800, 1)] }];
  await bringUpToDate(client, '2026-05', kept);
  assert.equal(asked[1].get('_lastUpdated'), 'gt2026-06-01T00:00:00Z', "the first page's time, so that nothing is missed");
  assert.equal(kept.upTo, '2026-06-05T00:00:00Z');
  const rows = drawn('2026-05', kept, '2026-06-05').map(({ day, steps, corrected }) => [day.slice(-1), steps, corrected]);
  assert.deepEqual(rows, [
    ['1', 5000, undefined],
    ['2', 6000, 6500],
    ['3', 7000, 0],
    ['4', 0, 800],
  ]);
});
