# Configuration of one node. After a change: systemctl reload holdfast.
# Check it first: holdfast operator diagnose -config=/etc/holdfast

storage "raft" {
  path = "/var/lib/holdfast"
}

# Programs on this machine. Nobody else can connect, so there is no TLS.
listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = true
}

# Everybody else: put the certificate and its key into /etc/credstore as tls.crt and tls.key.
# listener "tcp" {
#   address       = "0.0.0.0:8210"
#   tls_cert_file = "/run/credentials/holdfast.service/tls.crt"
#   tls_key_file  = "/run/credentials/holdfast.service/tls.key"
# }

# Where clients and other nodes reach this node.
api_addr     = "http://127.0.0.1:8200"
cluster_addr = "https://127.0.0.1:8201"
