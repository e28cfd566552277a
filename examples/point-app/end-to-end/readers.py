"""PyPI libraries as they are against the gateway: fhirpy searches and pages, fhir.resources parses all that comes."""

import os
from urllib.parse import parse_qs

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

base, token, patient = os.environ["FHIR_BASE"], os.environ["FHIR_TOKEN"], os.environ["FHIR_PATIENT"]
client = SyncFHIRClient(base, authorization=f"Bearer {token}")

found = client.resources("Observation").search(code="daily_step_count").limit(20)
days = found.fetch_all()
assert len(days) > 20 and len({day["id"] for day in days}) == len(days)
first = found.first()
assert client.reference("Observation", first["id"]).to_resource()["id"] == first["id"]
assert client.reference("Patient", patient).to_resource()["id"] == patient
recent = client.resources("Observation").search(code="daily_step_count").sort("-date").limit(1).first()
assert recent["effectiveDateTime"] == max(day["effectiveDateTime"] for day in days)
print(f"- fhirpy pages through {len(days)} days and reads by reference")
try:
    client.reference("Observation", "nobodys").to_resource()
    raise AssertionError("an unknown id was found")
except (ResourceNotFound, OperationOutcome):
    print("- fhirpy takes an unknown id as an error")

parsed = 0
CapabilityStatement.model_validate(client.execute("metadata", method="get"))
for path in [
    "Observation?_count=500&_include=Observation:device&_include=Observation:patient&_revinclude=Provenance:target",
    "Observation?_count=200&_sort=-date",
    "Patient",
    "Device",
    f"Patient/{patient}/$everything?_count=100",
    "Observation/$lastn?category=activity&max=3",
    "Observation?code=daily_step_count&_summary=count",
    "Observation?code=daily_step_count&_elements=valueQuantity",
    f"Observation/{first['id']}/_history",
    "CodeSystem",
    "StructureDefinition",
    "ValueSet",
]:
    address, _, query = path.partition("?")
    bundle = Bundle.model_validate(client.execute(address, method="get", params=parse_qs(query)))
    parsed += len(bundle.entry or [])
print(f"- fhir.resources parses a CapabilityStatement and {parsed} resources in Bundles")
