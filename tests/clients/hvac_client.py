"""What programs do with hvac, the Vault client for Python. Prints one line a thing that worked."""
import os
import sys

import hvac
from hvac import exceptions

url, token = os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"]
client = hvac.Client(url=url, token=token)


def done(what):
    print("ok", what)


def same(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}")


def refused(kind, call, what):
    try:
        call()
    except kind:
        return
    sys.exit(f"{what}: was not refused")


assert client.is_authenticated() and client.sys.is_initialized() and not client.sys.is_sealed()
same(client.sys.read_health_status(method="GET")["sealed"], False, "health")
assert client.sys.read_leader_status()["is_self"]
done("status")

client.sys.enable_secrets_engine("kv", path="py2", options={"version": "2"}, description="for hvac")
client.sys.enable_secrets_engine("kv", path="py1", options={"version": "1"})
same(client.sys.list_mounted_secrets_engines()["data"]["py2/"]["options"], {"version": "2"}, "mounts")
client.sys.tune_mount_configuration("py1", default_lease_ttl="1h", max_lease_ttl="2h")
same(client.sys.read_mount_configuration("py1")["data"]["max_lease_ttl"], 7200, "tune")
done("mounts")

v1 = client.secrets.kv.v1
v1.create_or_update_secret("app/db", {"user": "u", "password": "p"}, mount_point="py1")
same(v1.read_secret("app/db", mount_point="py1")["data"], {"user": "u", "password": "p"}, "kv1")
same(v1.list_secrets("app", mount_point="py1")["data"]["keys"], ["db"], "kv1 list")
v1.delete_secret("app/db", mount_point="py1")
refused(exceptions.InvalidPath, lambda: v1.read_secret("app/db", mount_point="py1"), "kv1 deleted")
done("kv version 1")

v2 = client.secrets.kv.v2
v2.configure(max_versions=5, mount_point="py2")
same(v2.read_configuration(mount_point="py2")["data"]["max_versions"], 5, "kv2 config")
first = v2.create_or_update_secret("app", {"n": 1}, cas=0, mount_point="py2")
same(first["data"]["version"], 1, "kv2 create")
refused(exceptions.InvalidRequest, lambda: v2.create_or_update_secret("app", {"n": 9}, cas=0, mount_point="py2"), "cas")
v2.patch("app", {"more": "x"}, mount_point="py2")
read = v2.read_secret_version("app", mount_point="py2", raise_on_deleted_version=True)
same(read["data"]["data"], {"n": 1, "more": "x"}, "kv2 patch")
v2.delete_secret_versions("app", [2], mount_point="py2")
refused(exceptions.InvalidPath, lambda: v2.read_secret_version("app", mount_point="py2", raise_on_deleted_version=True), "kv2 deleted")
v2.undelete_secret_versions("app", [2], mount_point="py2")
v2.destroy_secret_versions("app", [1], mount_point="py2")
v2.update_metadata("app", custom_metadata={"owner": "py"}, mount_point="py2")
meta = v2.read_secret_metadata("app", mount_point="py2")["data"]
same((meta["versions"]["1"]["destroyed"], meta["custom_metadata"]), (True, {"owner": "py"}), "kv2 metadata")
same(v2.read_secret_subkeys("app", mount_point="py2")["data"]["subkeys"], {"n": None, "more": None}, "subkeys") \
    if hasattr(v2, "read_secret_subkeys") else None
same(v2.list_secrets("", mount_point="py2")["data"]["keys"], ["app"], "kv2 list")
v2.delete_metadata_and_all_versions("app", mount_point="py2")
refused(exceptions.InvalidPath, lambda: v2.list_secrets("", mount_point="py2"), "kv2 gone")
done("kv version 2")

client.sys.enable_secrets_engine("transit", path="pyt")
t, at = client.secrets.transit, {"mount_point": "pyt"}
text = "c2VjcmV0"
t.create_key("aes", exportable=True, allow_plaintext_backup=True, **at)
sealed = t.encrypt_data("aes", plaintext=text, **at)["data"]["ciphertext"]
t.rotate_key("aes", **at)
t.update_key_configuration("aes", min_decryption_version=1, deletion_allowed=True, **at)
same(t.decrypt_data("aes", ciphertext=sealed, **at)["data"]["plaintext"], text, "decrypt")
again = t.rewrap_data("aes", ciphertext=sealed, **at)["data"]["ciphertext"]
same(again[:9], "vault:v2:", "rewrap")
batch = t.encrypt_data("aes", batch_input=[{"plaintext": text}, {"plaintext": text}], **at)["data"]["batch_results"]
same(len(batch), 2, "batch")
key = t.generate_data_key("aes", key_type="plaintext", **at)["data"]
same(t.decrypt_data("aes", ciphertext=key["ciphertext"], **at)["data"]["plaintext"], key["plaintext"], "data key")
t.create_key("rsa", key_type="rsa-2048", **at)
signed = t.sign_data("rsa", hash_input=text, signature_algorithm="pkcs1v15", **at)["data"]["signature"]
same(t.verify_signed_data("rsa", hash_input=text, signature=signed, signature_algorithm="pkcs1v15", **at)["data"]["valid"], True, "verify")
mac = t.generate_hmac("aes", hash_input=text, **at)["data"]["hmac"]
same(t.verify_signed_data("aes", hash_input=text, hmac=mac, **at)["data"]["valid"], True, "hmac")
same(len(t.generate_random_bytes(n_bytes=8, output_format="hex", **at)["data"]["random_bytes"]), 16, "random")
same(list(t.export_key("aes", key_type="encryption-key", **at)["data"]["keys"]), ["1", "2"], "export")
t.restore_key(t.backup_key("aes", **at)["data"]["backup"], name="copy", **at)
same(t.decrypt_data("copy", ciphertext=again, **at)["data"]["plaintext"], text, "restore")
t.delete_key("aes", **at)
same(t.list_keys(**at)["data"]["keys"], ["copy", "rsa"], "keys")
refused(exceptions.InvalidRequest, lambda: t.decrypt_data("aes", ciphertext=sealed, **at), "a deleted key")
done("transit")

client.sys.enable_secrets_engine("pki", path="pyp", config={"max_lease_ttl": "8760h"})
p, at = client.secrets.pki, {"mount_point": "pyp"}
root = p.generate_root("internal", "Py Root", extra_params={"key_type": "ec", "ttl": "8000h"}, **at)["data"]
same(p.read_ca_certificate(**at).strip(), root["certificate"].strip(), "ca")
p.set_urls({"issuing_certificates": ["http://ca.example.com/ca"]}, **at)
same(p.read_urls(**at)["data"]["issuing_certificates"], ["http://ca.example.com/ca"], "urls")
p.create_or_update_role("web", {"allowed_domains": "example.com", "allow_subdomains": True, "key_type": "ec", "max_ttl": "48h"}, **at)
same(p.read_role("web", **at)["data"]["allowed_domains"], ["example.com"], "role")
same(p.list_roles(**at)["data"]["keys"], ["web"], "roles")
leaf = p.generate_certificate("web", "a.example.com", **at)["data"]
same(p.read_certificate(leaf["serial_number"], **at)["data"]["certificate"].strip(), leaf["certificate"].strip(), "certificate")
same(leaf["serial_number"] in p.list_certificates(**at)["data"]["keys"], True, "certificates")
refused(exceptions.InvalidRequest, lambda: p.generate_certificate("web", "evil.org", **at), "a name of others")
client.sys.enable_secrets_engine("pki", path="pyi")
csr = p.generate_intermediate("internal", "Py Inter", extra_params={"key_type": "ec"}, mount_point="pyi")["data"]["csr"]
inter = p.sign_intermediate(csr, "Py Inter", extra_params={"ttl": "4000h"}, **at)["data"]
p.set_signed_intermediate(inter["certificate"] + "\n" + root["certificate"], mount_point="pyi")
same(p.read_ca_certificate_chain(mount_point="pyi").count("BEGIN CERTIFICATE"), 2, "chain")
p.revoke_certificate(leaf["serial_number"], **at)
same(p.read_certificate(leaf["serial_number"], **at)["data"]["revocation_time"] > 0, True, "revoked")
same("BEGIN X509 CRL" in p.read_crl(**at), True, "crl")
same(p.rotate_crl(**at)["data"]["success"], True, "rotate")
p.set_crl_configuration(expiry="24h", **at)
same(p.read_crl_configuration(**at)["data"]["expiry"], "24h", "crl configuration")
same(len(client.list("pyp/issuers")["data"]["keys"]), 1, "issuers")
p.tidy({"tidy_cert_store": True, "safety_buffer": "1h"}, **at)
p.delete_role("web", **at)
p.delete_root(**at)
done("pki")

client.sys.create_or_update_policy("py", 'path "py1/app/*" { capabilities = ["read", "create", "update"] }')
assert "py1/app" in client.sys.read_policy("py")["data"]["rules"] and "py" in client.sys.list_policies()["data"]["policies"]
created = client.auth.token.create(policies=["py"], ttl="1h", explicit_max_ttl="2h", display_name="app", meta={"a": "b"})
limited = hvac.Client(url=url, token=created["auth"]["client_token"])
limited.secrets.kv.v1.create_or_update_secret("app/x", {"y": "z"}, mount_point="py1")
refused(exceptions.Forbidden, lambda: limited.secrets.kv.v1.read_secret("other", mount_point="py1"), "policy")
looked = limited.auth.token.lookup_self()["data"]
same((looked["policies"], looked["meta"], looked["display_name"]), (["default", "py"], {"a": "b"}, "token-app"), "lookup")
assert limited.auth.token.renew_self(increment="30m")["auth"]["renewable"]
same(client.sys.get_capabilities(["py1/app/x"], token=limited.token)["data"]["py1/app/x"], ["create", "read", "update"], "capabilities")
client.auth.token.revoke_accessor(created["auth"]["accessor"])
assert not limited.is_authenticated()
client.auth.token.create_or_update_role("py", allowed_policies=["py"], orphan=True, token_period="30m")
role = client.auth.token.create(role_name="py")["auth"]
same((role["orphan"], role["token_policies"]), (True, ["default", "py"]), "token role")
done("tokens and policies")

v1.create_or_update_secret("w", {"inside": "1"}, mount_point="py1")
wrapped = client.read("py1/w") if False else client.adapter.get("/v1/py1/w", wrap_ttl="60s")
wrapping = wrapped["wrap_info"]["token"]
same(client.sys.unwrap(wrapping)["data"], {"inside": "1"}, "unwrap")
refused(exceptions.InvalidRequest, lambda: client.sys.unwrap(wrapping), "unwrap twice")
done("wrapping")

client.sys.enable_audit_device("file", path="py", options={"file_path": os.environ["AUDIT_FILE"]})
assert client.sys.calculate_hash("py", "x")["data"]["hash"].startswith("hmac-sha256:")
assert "py/" in client.sys.list_enabled_audit_devices()["data"]
client.sys.disable_audit_device("py")
client.sys.move_backend("py1", "moved")
client.sys.disable_secrets_engine("moved")
client.sys.disable_secrets_engine("py2")
done("audit and remount")


def logged_in(method):
    """A client of its own, with the token of a login that must have the policy."""
    own = hvac.Client(url=url)
    auth = method(own)["auth"]
    same(auth["token_policies"], ["default", "py"], "policies of a login")
    assert own.token == auth["client_token"] and own.is_authenticated() and auth["entity_id"]
    own.logout(revoke_token=True)
    return auth


client.sys.enable_auth_method("userpass", path="pyuser")
userpass = client.auth.userpass
userpass.create_or_update_user("ann", password="right", policies="py", mount_point="pyuser")
same(userpass.list_user(mount_point="pyuser")["data"]["keys"], ["ann"], "users")
logged_in(lambda own: own.auth.userpass.login("ann", "right", mount_point="pyuser"))
userpass.update_password_on_user("ann", "new", mount_point="pyuser")
nobody = hvac.Client(url=url)
refused(exceptions.InvalidRequest, lambda: nobody.auth.userpass.login("ann", "right", mount_point="pyuser"), "old password")
logged_in(lambda own: own.auth.userpass.login("ann", "new", mount_point="pyuser"))
done("userpass")

client.sys.enable_auth_method("approle", path="pyrole")
approle = client.auth.approle
approle.create_or_update_approle("web", token_policies=["py"], secret_id_num_uses=2, token_ttl="5m", mount_point="pyrole")
same(approle.read_role("web", mount_point="pyrole")["data"]["secret_id_num_uses"], 2, "role")
role_id = approle.read_role_id("web", mount_point="pyrole")["data"]["role_id"]
secret = approle.generate_secret_id("web", metadata={"host": "a"}, mount_point="pyrole")["data"]
looked = approle.read_secret_id("web", secret["secret_id"], mount_point="pyrole")["data"]
same((looked["metadata"], looked["secret_id_accessor"]), ({"host": "a"}, secret["secret_id_accessor"]), "secret ID")
for _ in range(2):
    auth = logged_in(lambda own: own.auth.approle.login(role_id, secret["secret_id"], mount_point="pyrole"))
    same(auth["metadata"], {"host": "a", "role_name": "web"}, "metadata")
used_up = lambda: nobody.auth.approle.login(role_id, secret["secret_id"], mount_point="pyrole")
refused(exceptions.InvalidRequest, used_up, "used up")
wrapped = approle.generate_secret_id("web", wrap_ttl="60s", mount_point="pyrole")["wrap_info"]["token"]
unwrapped = client.sys.unwrap(wrapped)["data"]
logged_in(lambda own: own.auth.approle.login(role_id, unwrapped["secret_id"], mount_point="pyrole"))
approle.destroy_secret_id_accessor("web", unwrapped["secret_id_accessor"], mount_point="pyrole")
refused(exceptions.InvalidRequest, lambda: nobody.auth.approle.login(role_id, unwrapped["secret_id"], mount_point="pyrole"), "destroyed")
done("approle")

client.sys.enable_auth_method("jwt", path="pyjwt")
jwt = client.auth.jwt
jwt.configure(jwt_validation_pubkeys=[os.environ["JWT_KEY"]], bound_issuer="https://issuer.test", path="pyjwt")
same(jwt.read_config(path="pyjwt")["data"]["bound_issuer"], "https://issuer.test", "jwt config")
for name, audience in (("ours", "us"), ("theirs", "them")):
    jwt.create_role(name, user_claim="sub", role_type="jwt", allowed_redirect_uris=[], bound_audiences=[audience],
                    token_policies=["py"], path="pyjwt")
same(sorted(jwt.list_roles(path="pyjwt")["data"]["keys"]), ["ours", "theirs"], "jwt roles")
# Unlike the others, this helper leaves it to the caller to take the token.
own = hvac.Client(url=url)
auth = own.auth.jwt.jwt_login("ours", os.environ["JWT"], path="pyjwt")["auth"]
same(auth["token_policies"], ["default", "py"], "jwt policies")
refused(exceptions.InvalidRequest, lambda: nobody.auth.jwt.jwt_login("theirs", os.environ["JWT"], path="pyjwt"), "audience")
done("jwt")

for path in ("pyuser", "pyrole", "pyjwt"):
    client.sys.disable_auth_method(path)
refused(exceptions.Forbidden, lambda: hvac.Client(url=url, token=auth["client_token"]).auth.token.lookup_self(), "token of a disabled method")
done("logins")
