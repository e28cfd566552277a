// Every unit of the vocabulary, before the UCUM library of the US National Library of Medicine. Reads each table beside
// this folder that has a column `unit` or `ucum`; says table, line, key and what is wrong; exits with 1 when anything is.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ucum from '@lhncbc/ucum-lhc';

const utilities = ucum.UcumLhcUtils.getInstance();

/** What is wrong with a unit; null when it is good. The library also "corrects" near misses, which is no acceptance. */
export function problem(unit) {
  const verdict = utilities.validateUnitString(unit, true);
  if (verdict.status === 'valid' && verdict.ucumCode === unit) return null;
  const said = [...(verdict.retMsg ?? [])].join('; ');
  return said || (verdict.ucumCode ? `the library reads it as ${verdict.ucumCode}` : 'no UCUM unit');
}

function rows(path) {
  const [header, ...lines] = readFileSync(path, 'utf8').split('\n').filter((line) => line !== '');
  const names = header.split('\t');
  return lines.map((line, index) => {
    const cells = line.split('\t');
    return { line: index + 2, ...Object.fromEntries(names.map((name, column) => [name, cells[column]])) };
  });
}

function main() {
  // A judge that accepts everything judges nothing.
  for (const wrong of ['mmHg', 'steps', 'kg/', 'KG', '[nonsense]']) {
    if (problem(wrong) === null) {
      console.error(`the UCUM library accepts ${wrong}, so its word is worth nothing`);
      return 2;
    }
  }
  const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..');
  const units = new Set();
  let checked = 0;
  let refused = 0;
  for (const table of readdirSync(folder).filter((name) => name.endsWith('.tsv')).sort()) {
    for (const row of rows(join(folder, table))) {
      // Where a table has a column `ucum`, `unit` is what documents write.
      const unit = row.ucum ?? row.unit;
      if (!unit) continue;
      checked += 1;
      units.add(unit);
      const wrong = problem(unit);
      if (wrong !== null) {
        refused += 1;
        console.error(`${table}:${row.line}: ${row.key ?? row.metric}: unit ${unit}: ${wrong}`);
      }
    }
  }
  console.log(`${checked} rows with a unit, ${units.size} units, ${refused} refused`);
  if (checked === 0) {
    console.error(`no table with a column "unit" in ${folder}`);
    return 2;
  }
  return refused === 0 ? 0 : 1;
}

process.exitCode = main();
