# What the commands of the test cluster share: names, places, processes. Sourced, never run.
# shellcheck shell=bash disable=SC2034,SC2153

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
images=$here/../../deploy/images
# shellcheck source=../../deploy/images/cache.sh
. "$images/cache.sh"

NAME=${DAYTWO_CLUSTER:-daytwo}
[[ $NAME =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || { echo "DAYTWO_CLUSTER=$NAME: wants lower-case letters, digits and dashes" >&2; exit 2; }
# What the machine sees of this cluster bears this name: network namespace, cgroups, /run directory.
case $NAME in daytwo | daytwo-*) ID=$NAME ;; *) ID=daytwo-$NAME ;; esac

STATE=$(realpath -m "${DAYTWO_CLUSTER_STATE:-/var/tmp/daytwo-cluster/$NAME}") # everything of this cluster that is a file
MARK=$STATE/.daytwo-cluster       # without it the folder is somebody else's
KUBECONFIG_FILE=$STATE/kubeconfig # the same one inside and outside the namespace
RUN=/run/$ID                      # its sockets: their paths must be short
NETNS=/run/netns/$ID
CONTAINERD=$RUN/containerd.sock

if [ -e "$STATE" ] && [ ! -e "$MARK" ] && [ -n "$(ls -A "$STATE")" ]; then
  echo "$STATE: not empty and not the state of a test cluster" >&2
  exit 2
fi

NODE_ADDRESS=10.200.0.1
POD_SUBNET=10.244.0.0/16
SERVICE_SUBNET=10.96.0.0/16
API_SERVICE=10.96.0.1
DNS_SERVICE=10.96.0.10

CONTROL_PLANE=(etcd kube-apiserver relay kube-controller-manager)
NODE=(kube-scheduler containerd kubelet kube-proxy)

say() { echo "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "needs root: it makes namespaces, mounts and cgroups"; }

# One command at a time changes the cluster.
lock() {
  mkdir -p /run/lock
  exec 9>"/run/lock/$ID.lock"
  flock 9
}

# The built things; `install` makes what is missing and writes their places into a list.
load_tools() {
  local list place complete=yes
  list=$CACHE/cluster/tools-$(digest_of "$here"/{install,clients} "$here"/{kubernetes,relay,pause}/* "$images"/{image,busybox,cache.sh})
  if [ -e "$list" ]; then
    # shellcheck disable=SC1090 # made by `install`
    . "$list"
    for place in "$KUBERNETES" "$CLIENTS" "$RELAY" "${SYSTEM_IMAGES[@]}"; do [ -e "$place" ] || complete=no; done
  else
    complete=no
  fi
  for place in etcd containerd runc iptables conntrack ip nsenter openssl mkfs.ext4; do
    command -v $place >/dev/null || complete=no
  done
  if [ $complete = no ]; then
    "$here/install" "$list"
    # shellcheck disable=SC1090
    . "$list"
  fi
  PATH=$CLIENTS:$KUBERNETES:$PATH
}

# --- processes: each is known by its id and the time it started, so that a reused id is never taken for it

start_time() { # of a process, in clock ticks since boot; fails when there is none or only its corpse
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The second field, the name, may hold anything; the third is the state.
  read -ra stat <<<"${stat##*) }"
  [ "${stat[0]}" != Z ] && echo "${stat[19]}"
}

pid_of() { # prints the id of a component that runs
  local pid started
  [ -s "$STATE/pids/$1" ] && read -r pid started <"$STATE/pids/$1" && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

start() { # COMPONENT COMMAND…: in the background, in a session and in the cgroup of its own
  local component=$1 pid
  shift
  # shellcheck disable=SC2016
  setsid bash -c 'for file in $1; do echo $$ >"$file"; done; shift; exec "$@"' start "$(printf '%s ' "${CGROUPS[@]/%//$ID/daemons/cgroup.procs}")" "$@" \
    </dev/null >>"$STATE/log/$component" 2>&1 9>&- &
  pid=$!
  echo "$pid $(start_time "$pid")" >"$STATE/pids/$component"
}

stop() { # COMPONENT: asks, then insists; nothing that it could still save is kept
  local pid
  pid=$(pid_of "$1") || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 10); do pid_of "$1" >/dev/null || return 0; sleep .1; done
  kill -KILL "$pid" 2>/dev/null || true
}

wait_for() { # SECONDS WHAT COMMAND…
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { say "$what: not within $seconds s; logs are in $STATE/log"; return 1; }
    sleep .1
  done
}

# --- cgroups: the kernel's own record of what belongs to the cluster, its pods included

# Every hierarchy: one of version 2, many of version 1, or both kinds side by side.
mapfile -t CGROUPS < <(awk '($3 == "cgroup" || $3 == "cgroup2") && !seen[$3 $4]++ {print $2}' /proc/mounts)

make_cgroups() {
  local root file
  for root in "${CGROUPS[@]}"; do
    mkdir -p "$root/$ID/daemons"
    if [ -e "$root/cgroup.controllers" ]; then # version 2: hand the controllers down
      for file in "$root" "$root/$ID"; do
        sed 's/[^ ]*/+&/g' "$root/cgroup.controllers" >"$file/cgroup.subtree_control" 2>/dev/null || true
      done
    fi
    for file in cpuset.cpus cpuset.mems; do # version 1: a cpuset begins empty and takes nobody in
      [ -e "$root/$ID/$file" ] || continue
      cat "$root/$file" >"$root/$ID/$file"
      cat "$root/$file" >"$root/$ID/daemons/$file"
    done
  done
}

members() { # the ids of every process of the cluster and of its pods
  local root
  { for root in "${CGROUPS[@]}"; do
      [ ! -d "$root/$ID" ] || find "$root/$ID" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done
    ip netns pids "$ID" 2>/dev/null || true
  } | sort -un
}

# --- the API

in_namespace() { nsenter --net="$NETNS" "$@"; }
kube() { kubectl --kubeconfig "$KUBECONFIG_FILE" "$@"; }
api_ready() { kube get --raw /readyz --request-timeout=5s >/dev/null 2>&1; }
node_ready() { [ "$(kube get node node1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]; }
addons_ready() {
  [ "$(kube get deployment -n kube-system coredns local-path-provisioner -o 'jsonpath={.items[*].status.availableReplicas}' 2>/dev/null)" = "1 1" ]
}

# Is there a cluster, of which kind, and is it well?  none | broken | control-plane | node
condition() {
  local component
  [ -e "$KUBECONFIG_FILE" ] || { if [ -e "$MARK" ] || [ -e "$NETNS" ] || [ -n "$(members)" ]; then echo broken; else echo none; fi; return; }
  for component in "${CONTROL_PLANE[@]}"; do pid_of "$component" >/dev/null || { echo broken; return; }; done
  api_ready || { echo broken; return; }
  [ -e "$STATE/node" ] || { echo control-plane; return; }
  for component in "${NODE[@]}"; do pid_of "$component" >/dev/null || { echo broken; return; }; done
  echo node
}

# --- images

load_images() { # ARCHIVE…
  local archive digest name
  for archive; do
    digest=$(sha256sum <"$archive" | cut -d' ' -f1)
    name=$(tar -xOf "$archive" manifest.json | grep -o '"RepoTags": *\["[^"]*"' | cut -d'"' -f4)
    [ -n "$name" ] || { say "$archive: not a docker archive with a name"; return 1; }
    if ! ctr -a "$CONTAINERD" -n k8s.io images ls "name==$name,labels.\"daytwo.dev/archive\"==$digest" -q 2>/dev/null | grep -q .; then
      ctr -a "$CONTAINERD" -n k8s.io images import "$archive" >/dev/null || return 1
      ctr -a "$CONTAINERD" -n k8s.io images label "$name" "daytwo.dev/archive=$digest" >/dev/null || return 1
    fi
    echo "$name"
  done
}
