// Reads resources as NDJSON, from standard input or the file named, and judges each. Before, it judges what must be
// refused: a judge that accepts everything judges nothing. Exits with 1 when a resource is refused, 2 when the judge fails.
import { readFileSync } from 'node:fs';
import { judge, profilesOf } from './judge.mjs';

const resources = readFileSync(process.argv[2] ?? 0, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line));

/** Changes to a resource after which it must be refused; those that cannot be made return false. */
const spoilings = {
  'a field that R4 does not have': (one) => Boolean((one.colour = 'red')),
  'no status': (one) => one.resourceType === 'Observation' && delete one.status,
  'no code': (one) => one.resourceType === 'Observation' && delete one.code,
  'a text for a number': (one) => one.valueQuantity?.value !== undefined && Boolean((one.valueQuantity.value = 'many')),
  'an array for one': (one) => one.resourceType === 'Observation' && Boolean((one.subject = [one.subject])),
  'a day that is none': (one) => one.effectiveDateTime && Boolean((one.effectiveDateTime = 'yesterday')),
  'a vital sign without its category': (one) => profilesOf(one).length > 0 && Boolean((one.category = one.category.slice(0, 1))),
  'a vital sign with neither value nor a reason why not': (one) =>
    profilesOf(one).some((url) => url.endsWith('/heartrate')) && one.valueQuantity && !one.component && delete one.valueQuantity,
  'a Device of no type there is': (one) => one.resourceType === 'Device' && Boolean((one.type = 'watch')),
  'a Provenance of nothing': (one) => one.resourceType === 'Provenance' && delete one.target,
  'a notice spoilt in a Bundle': (one) => {
    const notice = one.resourceType === 'Bundle' && one.entry?.find(({ resource }) => resource?.resourceType === 'OperationOutcome');
    return notice && delete notice.resource.issue;
  },
};

let failed = 0;
for (const [name, spoil] of Object.entries(spoilings)) {
  const spoilt = resources.map((one) => structuredClone(one)).find((one) => spoil(one));
  if (!spoilt) {
    console.error(`no resource to show "${name}" on`);
    failed += 1;
  } else if (judge(spoilt).length === 0) {
    console.error(`the judge accepts ${name}, so its word is worth nothing`);
    failed += 1;
  }
}

const counts = {};
let refused = 0;
resources.forEach((resource, index) => {
  const wrong = judge(resource);
  const count = (counts[resource.resourceType] ??= { judged: 0, byProfile: 0 });
  count.judged += 1;
  count.byProfile += profilesOf(resource).length;
  if (wrong.length > 0) {
    refused += 1;
    for (const line of wrong) console.error(`line ${index + 1}, ${resource.resourceType}/${resource.id ?? '-'}: ${line}`);
  }
});
console.log(JSON.stringify({ judged: resources.length, refused, types: counts }));
process.exitCode = failed > 0 || resources.length === 0 ? 2 : refused > 0 ? 1 : 0;
