"""Authlib, unmodified, as the client of an app: discovery, PKCE, ID token, refresh, introspection, revocation.

    python3 authlib_client.py BASE FHIR_BASE CLIENT_ID REDIRECT_URI ANSWER...

ANSWER is a command that plays the resident: it gets the authorization address as its last argument and prints where the
browser was sent back to.
"""

import subprocess
import sys

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

SCOPE = "openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.rs"


def main(base, fhir, client_id, redirect_uri, *answer):
    facts = requests.get(f"{base}/.well-known/openid-configuration", timeout=30).json()
    assert facts["issuer"] == base, facts
    session = OAuth2Session(
        client_id,
        redirect_uri=redirect_uri,
        scope=SCOPE,
        token_endpoint_auth_method="none",
        code_challenge_method="S256",
        revocation_endpoint_auth_method="none",
    )
    verifier, nonce = generate_token(48), generate_token(20)
    address, state = session.create_authorization_url(
        facts["authorization_endpoint"], code_verifier=verifier, nonce=nonce, aud=fhir
    )
    back = subprocess.run([*answer, address], check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    tokens = session.fetch_token(
        facts["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    print("- Authlib discovers, asks with PKCE, and redeems the code")

    keys = JsonWebKey.import_key_set(requests.get(facts["jwks_uri"], timeout=30).json())
    claims = jwt.decode(
        tokens["id_token"],
        keys,
        claims_cls=CodeIDToken,
        claims_options={"iss": {"essential": True, "value": base}, "aud": {"essential": True, "value": client_id}},
        claims_params={"nonce": nonce, "client_id": client_id},
    )
    claims.validate()
    assert claims["fhirUser"].startswith(f"{fhir}/Patient/"), claims
    print("- Authlib verifies the ID token against the published keys")

    def steps():
        return session.get(f"{fhir}/Observation?code=daily_step_count&_count=5")

    read = steps()
    assert read.status_code == 200 and read.json()["resourceType"] == "Bundle", read.text
    before = tokens["access_token"]
    # Left to itself Authlib repeats what was asked for at first, and more than was granted is refused (SMART 2.2, refresh).
    session.refresh_token(facts["token_endpoint"], scope=tokens["scope"])
    assert session.token["access_token"] != before
    assert steps().status_code == 200
    print("- Authlib refreshes and reads")

    told = session.introspect_token(
        facts["introspection_endpoint"], token=session.token["access_token"], token_type_hint="access_token"
    ).json()
    assert told["active"] is True and told["client_id"] == client_id, told
    ended = session.revoke_token(
        facts["revocation_endpoint"], token=session.token["refresh_token"], token_type_hint="refresh_token"
    )
    assert ended.status_code == 200, ended.text
    assert steps().status_code == 401
    print("- Authlib introspects and revokes, and nothing opens any more")


main(*sys.argv[1:])
