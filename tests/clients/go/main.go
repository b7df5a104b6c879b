// Command client does what programs do with the Go module github.com/hashicorp/vault/api, and prints
// one line a thing that worked.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"time"

	vault "github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/approle"
	"github.com/hashicorp/vault/api/auth/userpass"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func same(found, wanted any, what string) {
	if !reflect.DeepEqual(found, wanted) {
		check(fmt.Errorf("%s: %#v instead of %#v", what, found, wanted))
	}
}

func refused(err error, status int, what string) {
	var response *vault.ResponseError
	if !errors.As(err, &response) || response.StatusCode != status {
		check(fmt.Errorf("%s: %v instead of status %d", what, err, status))
	}
}

func main() {
	// Address and token come from the environment, as programs expect.
	client := must(vault.NewClient(vault.DefaultConfig()))
	ctx := context.Background()
	system(client)
	kv(ctx, client)
	tokens(client)
	wrapping(client)
	logins(ctx, client)
}

func system(client *vault.Client) {
	health := must(client.Sys().Health())
	same(health.Sealed || health.Standby || !health.Initialized, false, "health")
	same(must(client.Sys().SealStatus()).Type, "shamir", "seal status")
	same(must(client.Sys().Leader()).IsSelf, true, "leader")
	for path, version := range map[string]string{"go1": "1", "go2": "2"} {
		check(client.Sys().Mount(path, &vault.MountInput{Type: "kv", Options: map[string]string{"version": version}}))
	}
	same(must(client.Sys().ListMounts())["go2/"].Options["version"], "2", "mounts")
	check(client.Sys().TuneMount("go1", vault.MountConfigInput{MaxLeaseTTL: "3h"}))
	same(must(client.Sys().MountConfig("go1")).MaxLeaseTTL, 10800, "tune")
	fmt.Println("ok system")
}

func kv(ctx context.Context, client *vault.Client) {
	one := client.KVv1("go1")
	check(one.Put(ctx, "a", map[string]any{"x": "1"}))
	same(must(one.Get(ctx, "a")).Data["x"], "1", "kv1")
	check(one.Delete(ctx, "a"))
	_, err := one.Get(ctx, "a")
	same(errors.Is(err, vault.ErrSecretNotFound), true, "kv1 deleted")

	two := client.KVv2("go2")
	same(must(two.Put(ctx, "s", map[string]any{"x": "1"})).VersionMetadata.Version, 1, "kv2 put")
	same(must(two.Patch(ctx, "s", map[string]any{"y": "2"})).VersionMetadata.Version, 2, "kv2 patch")
	same(must(two.Get(ctx, "s")).Data, map[string]any{"x": "1", "y": "2"}, "kv2 get")
	_, err = two.Put(ctx, "s", map[string]any{}, vault.WithCheckAndSet(1))
	refused(err, http.StatusBadRequest, "cas")
	same(must(two.GetVersion(ctx, "s", 1)).Data, map[string]any{"x": "1"}, "kv2 version")
	must(two.Rollback(ctx, "s", 1))
	same(len(must(two.GetVersionsAsList(ctx, "s"))), 3, "kv2 versions")
	check(two.DeleteVersions(ctx, "s", []int{3}))
	check(two.Undelete(ctx, "s", []int{3}))
	check(two.Destroy(ctx, "s", []int{1}))
	check(two.PutMetadata(ctx, "s", vault.KVMetadataPutInput{CustomMetadata: map[string]any{"o": "go"}}))
	same(must(two.GetMetadata(ctx, "s")).CustomMetadata["o"], "go", "kv2 metadata")
	list := must(client.Logical().List("go2/metadata"))
	same(list.Data["keys"], []any{"s"}, "kv2 list")
	check(two.DeleteMetadata(ctx, "s"))
	fmt.Println("ok kv")
}

func tokens(client *vault.Client) {
	rules := `path "go1/*" { capabilities = ["read"] }`
	check(client.Sys().PutPolicy("go", rules))
	same(must(client.Sys().GetPolicy("go")), rules, "policy")
	created := must(client.Auth().Token().Create(&vault.TokenCreateRequest{Policies: []string{"go"}, TTL: "1h"}))
	limited := must(client.Clone())
	limited.SetToken(created.Auth.ClientToken)
	same(must(must(limited.Auth().Token().LookupSelf()).TokenPolicies()), []string{"default", "go"}, "policies")
	same(must(must(limited.Auth().Token().LookupSelf()).TokenTTL()) <= time.Hour, true, "ttl")
	_, err := limited.Logical().Write("go1/no", map[string]any{"a": 1})
	refused(err, http.StatusForbidden, "denied")
	same(must(client.Sys().Capabilities(limited.Token(), "go1/x")), []string{"read"}, "capabilities")

	watcher := must(limited.NewLifetimeWatcher(&vault.LifetimeWatcherInput{Secret: created}))
	go watcher.Start()
	select {
	case renewal := <-watcher.RenewCh():
		same(renewal.Secret.Auth.Renewable, true, "watcher")
	case err := <-watcher.DoneCh():
		check(fmt.Errorf("the watcher ended: %v", err))
	case <-time.After(10 * time.Second):
		check(errors.New("the watcher did not renew"))
	}
	watcher.Stop()
	check(limited.Auth().Token().RevokeSelf(""))
	_, err = limited.Auth().Token().LookupSelf()
	refused(err, http.StatusForbidden, "revoked")
	check(client.Sys().DeletePolicy("go"))
	fmt.Println("ok tokens")
}

func wrapping(client *vault.Client) {
	check(client.KVv1("go1").Put(context.Background(), "w", map[string]any{"in": "side"}))
	wrapper := must(client.Clone())
	wrapper.SetToken(client.Token())
	wrapper.SetWrappingLookupFunc(func(string, string) string { return "60s" })
	wrapped := must(wrapper.Logical().Read("go1/w"))
	same(wrapped.WrapInfo.TTL, 60, "wrap ttl")
	inside := must(client.Logical().Unwrap(wrapped.WrapInfo.Token))
	same(inside.Data["in"], "side", "unwrap")
	for _, path := range []string{"go1", "go2"} {
		check(client.Sys().Unmount(path))
	}
	fmt.Println("ok wrapping")
}

// jwtLogin is what the module has no package for: a login with somebody else's token.
type jwtLogin struct{ role, token string }

func (login jwtLogin) Login(ctx context.Context, client *vault.Client) (*vault.Secret, error) {
	return client.Logical().WriteWithContext(ctx, "auth/gojwt/login", map[string]any{"role": login.role, "jwt": login.token})
}

func logins(ctx context.Context, client *vault.Client) {
	for path, kind := range map[string]string{"gouser": "userpass", "gorole": "approle", "gojwt": "jwt"} {
		check(client.Sys().EnableAuthWithOptions(path, &vault.EnableAuthOptions{Type: kind}))
	}
	write := func(path string, data map[string]any) *vault.Secret {
		return must(client.Logical().Write(path, data))
	}
	write("auth/gouser/users/ann", map[string]any{"password": "right", "token_policies": "go"})
	write("auth/gorole/role/web", map[string]any{"token_policies": "go", "secret_id_num_uses": 1})
	write("auth/gojwt/config", map[string]any{
		"jwt_validation_pubkeys": os.Getenv("JWT_KEY"), "bound_issuer": "https://issuer.test"})
	write("auth/gojwt/role/ours", map[string]any{
		"role_type": "jwt", "user_claim": "sub", "bound_audiences": "us", "token_policies": "go"})

	user := must(userpass.NewUserpassAuth("ann", &userpass.Password{FromString: "right"}, userpass.WithMountPath("gouser")))
	wrong := must(userpass.NewUserpassAuth("ann", &userpass.Password{FromString: "wrong"}, userpass.WithMountPath("gouser")))
	roleID := must(client.Logical().Read("auth/gorole/role/web/role-id")).Data["role_id"].(string)
	secretID := write("auth/gorole/role/web/secret-id", nil).Data["secret_id"].(string)
	role := must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: secretID}, approle.WithMountPath("gorole")))
	wrapper := must(client.Clone())
	wrapper.SetToken(client.Token())
	wrapper.SetWrappingLookupFunc(func(string, string) string { return "60s" })
	wrapped := must(wrapper.Logical().Write("auth/gorole/role/web/secret-id", nil)).WrapInfo.Token
	unwrapping := must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: wrapped},
		approle.WithMountPath("gorole"), approle.WithWrappingToken()))
	for name, method := range map[string]vault.AuthMethod{
		"userpass": user, "approle": role, "wrapped approle": unwrapping, "jwt": jwtLogin{"ours", os.Getenv("JWT")},
	} {
		own := must(client.Clone())
		secret := must(own.Auth().Login(ctx, method))
		same(must(secret.TokenPolicies()), []string{"default", "go"}, name)
		same(must(must(own.Auth().Token().LookupSelf()).TokenID()), secret.Auth.ClientToken, name)
		check(own.Auth().Token().RevokeSelf(""))
	}
	for name, method := range map[string]vault.AuthMethod{
		"password": wrong, "used up": role, "forged": jwtLogin{"ours", os.Getenv("JWT") + "x"},
	} {
		own := must(client.Clone())
		_, err := own.Auth().Login(ctx, method)
		refused(err, http.StatusBadRequest, name)
	}
	for _, path := range []string{"gouser", "gorole", "gojwt"} {
		check(client.Sys().DisableAuth(path))
	}
	fmt.Println("ok logins")
}
