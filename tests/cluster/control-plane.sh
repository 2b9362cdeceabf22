# etcd, API server, controller manager: sourced by `up`, after lib.sh.
# shellcheck shell=bash disable=SC2016,SC2054,SC2154

start_control_plane() {
  umask 022
  mkdir -p "$STATE" && touch "$MARK"
  mkdir -p "$STATE"/{pki,log,pids} "$RUN"
  make_cgroups
  make_network
  make_certificates
  choose_port
  start_etcd
  start_apiserver
  start relay "$RELAY" "127.0.0.1:$PORT" "$NETNS" "127.0.0.1:$PORT"
  write_kubeconfig admin >"$STATE/starting"
  chmod 644 "$STATE/starting"
  wait_for 60 "the API server" kubectl --kubeconfig "$STATE/starting" get --raw /readyz
  mv "$STATE/starting" "$KUBECONFIG_FILE" # from here on there is a cluster
  start_controller_manager
}

# Everything listens in a network namespace: no port of the machine is taken but the relay's.
make_network() {
  ip netns add "$ID"
  in_namespace bash -euc '
    ip link set lo up
    # The node address sits on a bridge (not every kernel has dummy devices); a default route must
    # exist for service addresses to be routed at all, before they are translated.
    ip link add node0 type bridge
    ip address add "$1/24" dev node0
    ip link set node0 up
    ip route add default dev node0
    echo 1 >/proc/sys/net/ipv4/ip_forward
    [ ! -e /proc/sys/net/bridge ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
  ' network "$NODE_ADDRESS"
}

make_certificates() (
  cd "$STATE/pki" || exit
  key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  for authority in ca front-proxy-ca; do
    openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=$authority" -keyout $authority.key -out $authority.crt 2>/dev/null
  done
  sign() { # NAME SUBJECT ALTERNATIVES [AUTHORITY]
    openssl req "${key[@]}" -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "${4:-ca}.crt" -CAkey "${4:-ca}.key" -CAcreateserial -days 3650 -out "$1.crt" \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3") 2>/dev/null
  }
  sign apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$API_SERVICE,IP:$NODE_ADDRESS"
  sign apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client DNS:client
  sign front-proxy-client /CN=front-proxy-client DNS:client front-proxy-ca
  sign admin /O=system:masters/CN=kubernetes-admin DNS:client
  sign controller-manager /CN=system:kube-controller-manager DNS:client
  sign scheduler /CN=system:kube-scheduler DNS:client
  sign proxy /CN=system:kube-proxy DNS:client
  sign kubelet /O=system:nodes/CN=system:node:node1 "DNS:node1,DNS:localhost,IP:127.0.0.1,IP:$NODE_ADDRESS"
  openssl ecparam -name prime256v1 -genkey -noout -out sa.key
  openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null
)

# The API has the same port inside and outside, so that one kubeconfig serves both.
choose_port() {
  PORT=${DAYTWO_CLUSTER_PORT:-}
  if [ -z "$PORT" ]; then
    PORT=6443
    [ "$NAME" = daytwo ] || PORT=$((20000 + 0x$(printf %s "$NAME" | sha256sum | cut -c1-4) % 10000))
    while [ -n "$(ss -Hltn "sport = :$PORT")" ]; do PORT=$((PORT + 1)); done
  fi
}

write_kubeconfig() { # CERTIFICATE: self-contained, on standard output
  data() { base64 -w0 "$STATE/pki/$1"; }
  cat <<CONFIG
apiVersion: v1
kind: Config
clusters:
- name: $NAME
  cluster:
    server: https://127.0.0.1:$PORT
    certificate-authority-data: $(data ca.crt)
users:
- name: $1
  user:
    client-certificate-data: $(data "$1.crt")
    client-key-data: $(data "$1.key")
contexts:
- name: $NAME
  context: {cluster: $NAME, user: $1}
current-context: $NAME
CONFIG
}

kubeconfig_for() { # CERTIFICATE: prints the path of a component's kubeconfig
  (umask 077 && write_kubeconfig "$1" >"$STATE/pki/$1.kubeconfig")
  echo "$STATE/pki/$1.kubeconfig"
}

start_etcd() {
  # The data lives as long as the cluster: no need to wait for the disk.
  start etcd nsenter --net="$NETNS" etcd --data-dir "$STATE/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --quota-backend-bytes 4294967296
}

start_apiserver() {
  local pki=$STATE/pki
  local flags=(
    --etcd-servers=http://127.0.0.1:2379
    --bind-address=0.0.0.0 --secure-port="$PORT" --advertise-address="$NODE_ADDRESS"
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt"
    --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key"
    --service-account-issuer=https://kubernetes.default.svc.cluster.local
    --service-cluster-ip-range="$SERVICE_SUBNET"
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true
    # logs, exec, port-forward
    --kubelet-client-certificate="$pki/apiserver-kubelet-client.crt"
    --kubelet-client-key="$pki/apiserver-kubelet-client.key"
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP
    # aggregated APIs
    --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client
    --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group
    --requestheader-username-headers=X-Remote-User
    --proxy-client-cert-file="$pki/front-proxy-client.crt" --proxy-client-key-file="$pki/front-proxy-client.key"
    # a test machine has few cores: do not reject bursts of tests
    --max-requests-inflight=1000 --max-mutating-requests-inflight=500
  )
  start kube-apiserver nsenter --net="$NETNS" kube-apiserver "${flags[@]}"
}

# Without a node it still makes ServiceAccounts, collects garbage and empties deleted namespaces.
start_controller_manager() {
  start kube-controller-manager nsenter --net="$NETNS" kube-controller-manager \
    --kubeconfig="$(kubeconfig_for controller-manager)" --leader-elect=false --use-service-account-credentials=true \
    --service-account-private-key-file="$STATE/pki/sa.key" --root-ca-file="$STATE/pki/ca.crt" \
    --cluster-signing-cert-file="$STATE/pki/ca.crt" --cluster-signing-key-file="$STATE/pki/ca.key" \
    --cluster-cidr="$POD_SUBNET" --kube-api-qps=400 --kube-api-burst=800 \
    --concurrent-deployment-syncs=20 --concurrent-replicaset-syncs=20 --concurrent-statefulset-syncs=20 \
    --concurrent-job-syncs=20 --concurrent-service-endpoint-syncs=20 --concurrent-gc-syncs=40 --concurrent-namespace-syncs=20
}
