// Which days earn points: the table of Osaka's programme (アスマイル), by sex and age. Pure, and where it cannot tell it
// says so instead of guessing: an age band may lie across two rows of the table.

/** Steps that a day needs. */
const NEEDED = [
  { from: 65, male: 4000, female: 4000 },
  { from: 40, male: 7000, female: 5500 },
  { from: 0, male: 8000, female: 6000 },
];

/** The steps a day needs for someone of this sex (`male`, `female`) and age in years; null for any other sex. */
export function needed(sex, age) {
  return NEEDED.find(({ from }) => age >= from)?.[sex] ?? null;
}

/**
 * The steps a day needs for someone of whom only a range of ages is known; null when the sex is not known or the range
 * holds more than one answer.
 */
export function neededInBand(sex, low, high) {
  const [youngest, oldest] = [needed(sex, low), needed(sex, high)];
  // What a day needs only falls with age, so equal ends mean one answer all through.
  return youngest === oldest ? youngest : null;
}

/** Full years on `day` of someone born on `birthDate`, both `YYYY-MM-DD`. */
export function ageOn(birthDate, day) {
  const [bornYear, bornMonth, bornDay] = birthDate.split('-').map(Number);
  const [year, month, date] = day.split('-').map(Number);
  const hadBirthday = month > bornMonth || (month === bornMonth && date >= bornDay);
  return year - bornYear - (hadBirthday ? 0 : 1);
}

/**
 * What a day needs for a person as far as they are known: `{ sex, birthDate }`, or `{ sex, low, high }` in years. Null when
 * that does not decide it.
 */
export function neededOn(person, day) {
  if (!person?.sex) return null;
  if (person.birthDate) return needed(person.sex, ageOn(person.birthDate, day));
  if (person.low !== undefined) return neededInBand(person.sex, person.low, person.high);
  return null;
}

/** A month's days with what they needed and whether they earned. `days` are those of `steps.mjs`. */
export function earned(days, person) {
  return days.map((one) => {
    const need = neededOn(person, one.day);
    return { ...one, needed: need, earned: need !== null && one.steps >= need };
  });
}
