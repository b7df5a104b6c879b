"""A login by browser with hvac: `begin` prints the address, `end` takes where the browser came back."""
import os
import sys
from urllib.parse import parse_qs, urlparse

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
oidc = client.auth.oidc
redirect = os.environ["REDIRECT"]
if sys.argv[1] == "begin":
    oidc.create_role("hvac", user_claim="sub", allowed_redirect_uris=[redirect], token_policies=["p"])
    assert oidc.read_role("hvac")["data"]["role_type"] == "oidc"
    print(oidc.oidc_authorization_url_request("hvac", redirect)["data"]["auth_url"])
else:
    given = {name: values[0] for name, values in parse_qs(urlparse(sys.argv[2]).query).items()}
    auth = oidc.oidc_callback(given["state"], "unused", given["code"])["auth"]
    client.token = auth["client_token"]
    print(client.auth.token.lookup_self()["data"]["display_name"])
