// The table of points, and reading days and persons out of FHIR.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOn, earned, needed, neededInBand } from '../points.mjs';
import { bounds, days, person } from '../steps.mjs';

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
    status: 'final',
    effectiveDateTime: day,
    valueQuantity: { value },
    ...more,
  });
  const total = { meta: { profile: ['https://sekisho.example/fhir/StructureDefinition/daily-total'] } };
  const found = days([
    observation('2026-05-02', 9000),
    observation('2026-05-02', 6400, total),
    observation('2026-05-02', 9999),
    observation('2026-05-01', 100, { status: 'preliminary' }),
    observation('2026-05-03', 1, { status: 'entered-in-error' }),
    { resourceType: 'OperationOutcome' },
  ]);
  assert.deepEqual(found, [
    { day: '2026-05-01', steps: 100, final: false },
    { day: '2026-05-02', steps: 6400, final: true },
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
