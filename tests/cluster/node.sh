# Scheduler, containerd, kubelet, kube-proxy, DNS and volumes: sourced by `up`, after lib.sh.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

start_node() {
  local addons
  PORT=$(sed -n 's#.*server: https://127.0.0.1:##p' "$KUBECONFIG_FILE")
  touch "$STATE/node"
  raise_limits
  start_containerd
  kube apply --server-side --force-conflicts -f - < <(addons) >"$STATE/log/addons" 2>&1 &
  addons=$!
  start kube-scheduler nsenter --net="$NETNS" kube-scheduler --kubeconfig="$(kubeconfig_for scheduler)" \
    --leader-elect=false --kube-api-qps=400 --kube-api-burst=800
  wait_for 20 containerd ctr -a "$CONTAINERD" version
  load_images "${SYSTEM_IMAGES[@]}" >/dev/null
  start_kubelet
  start_proxy
  wait "$addons" || { cat "$STATE/log/addons" >&2; return 1; }
  wait_for 60 "node" node_ready
  wait_for 60 "DNS and volumes" addons_ready
}

# Hundreds of pods need more of these than some machines grant; nothing is lowered.
raise_limits() {
  local limit
  for limit in fs/inotify/max_user_instances=8192 fs/inotify/max_user_watches=524288 kernel/pid_max=131072; do
    [ "$(cat "/proc/sys/${limit%=*}")" -ge "${limit#*=}" ] || echo "${limit#*=}" >"/proc/sys/${limit%=*}" 2>/dev/null || true
  done
}

start_containerd() {
  mkdir -p "$STATE"/{containerd,cni,registries,volumes/{standard,limited,growing}} "$STATE"/private/{cni,kubelet,pods,containers}
  cat >"$STATE/containerd.toml" <<CONFIG
version = 2
root = "$STATE/containerd"
state = "$RUN/containerd"
[grpc]
  address = "$CONTAINERD"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "daytwo.dev/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  max_concurrent_downloads = 10
  # Empty unless a test puts a registry of its own there (hosts.toml, read with each pull).
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$STATE/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "runc"
CONFIG
  cat >"$STATE/cni/10-bridge.conflist" <<CONFIG
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "$STATE/private/cni",
        "ranges": [[{"subnet": "$POD_SUBNET"}]], "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
CONFIG
  mkdir -p /run/containerd /var/lib/cni /var/lib/kubelet /var/log/pods /var/log/containers
  # A mount namespace for the node: whatever pods mount (volumes, loop devices, network namespaces) is
  # invisible to the machine and goes when the last process goes, however it dies. The places that
  # container programs have built in (/run/containerd and so on) are the cluster's own inside it.
  # shellcheck disable=SC2016 # for the inner shell
  start containerd nsenter --net="$NETNS" unshare --mount --propagation slave bash -euc '
    mount --make-rshared /
    mount -t tmpfs -o mode=711 run /run/containerd
    mount --bind "$1/cni" /var/lib/cni
    mount --bind "$1/kubelet" /var/lib/kubelet
    mount --bind "$1/pods" /var/log/pods
    mount --bind "$1/containers" /var/log/containers
    shift
    exec "$@"
  ' containerd "$STATE/private" containerd --config "$STATE/containerd.toml"
}

start_kubelet() {
  cat >"$STATE/kubelet.yaml" <<CONFIG
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet.crt
tlsPrivateKeyFile: $STATE/pki/kubelet.key
containerRuntimeEndpoint: unix://$CONTAINERD
cgroupDriver: cgroupfs
cgroupRoot: /$ID
failCgroupV1: false
failSwapOn: false
address: 0.0.0.0
clusterDomain: cluster.local
clusterDNS: [$DNS_SERVICE]
resolvConf: ""
maxPods: 500
podPidsLimit: -1
serializeImagePulls: false
kubeAPIQPS: 400
kubeAPIBurst: 800
eventRecordQPS: 0
registryPullQPS: 0
# The disk is the machine's: what others put there must not evict pods or remove images.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
CONFIG
  local containerd
  containerd=$(pid_of containerd)
  start kubelet nsenter --mount="/proc/$containerd/ns/mnt" --net="$NETNS" "$KUBERNETES/kubelet" --config="$STATE/kubelet.yaml" \
    --kubeconfig="$(kubeconfig_for kubelet)" --hostname-override=node1 --node-ip="$NODE_ADDRESS"
}

start_proxy() {
  start kube-proxy nsenter --net="$NETNS" kube-proxy --kubeconfig="$(kubeconfig_for proxy)" \
    --proxy-mode=iptables --hostname-override=node1 --cluster-cidr="$POD_SUBNET" --conntrack-max-per-core=0 \
    --iptables-min-sync-period=100ms --metrics-bind-address=127.0.0.1:10249
}

addons() { sed "s#@VOLUMES@#$STATE/volumes#; s#@DNS_SERVICE@#$DNS_SERVICE#" "$here/addons.yaml"; }
