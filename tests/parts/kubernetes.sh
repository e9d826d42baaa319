#!/usr/bin/env bash
# kubernetes.sh DIR: a Kubernetes of one node on this machine, made of programs (kubernetes-binaries.sh) and Debian's etcd, containerd and
# CNI plugins. Everything listens on loopback, the kubelet on the bridge that pods have their addresses of. Writes DIR/kubeconfig, prints
# `kubeconfig: …`, `containerd: …` (socket), `bridge: …` (how pods reach this machine) and stays until SIGTERM, then takes all of it down.
# Needs root. One at a time on a machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
dir=$(mkdir -p "$1" && cd "$1" && pwd -P)
bin=${OBOT_TEST_KUBERNETES:-$("$here/kubernetes-binaries.sh")}
net=10.214.0
bridge=obot-kube0
pids=()
mkdir -p "$dir"/{pki,log,cni/conf,etcd,kubelet,containerd,manifests}
export PATH="$PATH:/usr/sbin:/sbin"

port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM % 12000)); }
start() { # NAME COMMAND…: a process group of its own, so that what it starts ends with it
  local name=$1
  shift
  setsid "$@" >"$dir/log/$name.log" 2>&1 </dev/null &
  pids=($! "${pids[@]}")
  printf '%s %s\n' "$name" $! >>"$dir/pids"
}
await() { # WHAT SECONDS COMMAND…
  local what=$1 ticks=$(($2 * 5))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $((ticks--)) -gt 0 ] || { echo "$what did not come up: $(tail -n 3 "$dir/log/$what.log" 2>/dev/null)" >&2; exit 1; }
    sleep 0.2
  done
}
down() {
  trap - EXIT TERM INT
  local pid
  # the kubelet first, or it would start again what is ended
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done; kill -KILL "$pid" 2>/dev/null || true; done
  # shims of containers outlive containerd; only those of this folder
  for pid in $(grep -lzF "$dir/containerd/containerd.sock" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
    [ "$pid" = $$ ] || { pkill -KILL -P "$pid" 2>/dev/null || true; kill -KILL "$pid" 2>/dev/null || true; }
  done
  sleep 0.5
  grep -oE " $dir/[^ ]+" /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  ip link del "$bridge" 2>/dev/null || true
}
trap down EXIT
trap 'exit 0' TERM INT

api=$(port) etcd=$(port) peer=$(port)
# keys: one authority for everything
cd "$dir/pki"
openssl req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=obot-tests -keyout ca.key -out ca.crt 2>/dev/null
certificate() { # NAME SUBJECT [SAN]
  openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 7 -out "$1.crt" -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "${3:-DNS:localhost}") 2>/dev/null
}
certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:10.215.0.1,DNS:localhost,DNS:kubernetes.default.svc"
certificate admin "/O=system:masters/CN=admin"
certificate node "/O=system:nodes/CN=system:node:obot-node" "IP:127.0.0.1,IP:$net.1,DNS:obot-node"
openssl genrsa -out sa.key 2048 2>/dev/null && openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
config() { # NAME
  cat <<YAML
apiVersion: v1
kind: Config
clusters: [{name: obot, cluster: {server: "https://127.0.0.1:$api", certificate-authority: $dir/pki/ca.crt}}]
users: [{name: obot, user: {client-certificate: $dir/pki/$1.crt, client-key: $dir/pki/$1.key}}]
contexts: [{name: obot, context: {cluster: obot, user: obot, namespace: default}}]
current-context: obot
YAML
}
config admin >"$dir/kubeconfig"
config node >"$dir/node.kubeconfig"
cd "$dir"

# cgroups of a kubelet: some machines mount none
[ -d /sys/fs/cgroup/systemd ] || [ -f /sys/fs/cgroup/cgroup.controllers ] || mkdir -p /sys/fs/cgroup/systemd 2>/dev/null || true
# there before the first pod, so that silos can listen on it
ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
ip addr replace "$net.1/23" dev "$bridge" && ip link set "$bridge" up
sysctl -qw net.ipv4.ip_forward=1 2>/dev/null || true
iptables -C FORWARD -i "$bridge" -j ACCEPT 2>/dev/null || iptables -I FORWARD -i "$bridge" -j ACCEPT 2>/dev/null || true
iptables -C FORWARD -o "$bridge" -j ACCEPT 2>/dev/null || iptables -I FORWARD -o "$bridge" -j ACCEPT 2>/dev/null || true

cat >cni/conf/10-obot.conflist <<JSON
{"cniVersion": "0.4.0", "name": "obot-kube", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$dir/cni/data", "ranges": [[{"subnet": "$net.0/23"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON

pause=obot-test/pause:1
cat >containerd/config.toml <<TOML
version = 2
root = "$dir/containerd/root"
state = "$dir/containerd/state"
[grpc]
  address = "$dir/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "docker.io/$pause"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni/conf"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${OBOT_TEST_SNAPSHOTTER:-overlayfs}"
TOML
start containerd containerd --config "$dir/containerd/config.toml"
start etcd etcd --data-dir "$dir/etcd" --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
  --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer" --unsafe-no-fsync
start apiserver "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd" --bind-address 127.0.0.1 --secure-port "$api" --advertise-address 127.0.0.1 \
  --tls-cert-file pki/apiserver.crt --tls-private-key-file pki/apiserver.key --client-ca-file pki/ca.crt \
  --kubelet-client-certificate pki/admin.crt --kubelet-client-key pki/admin.key --kubelet-certificate-authority pki/ca.crt \
  --service-account-key-file pki/sa.pub --service-account-signing-key-file pki/sa.key --service-account-issuer https://kubernetes.default.svc \
  --service-cluster-ip-range 10.215.0.0/16 --authorization-mode RBAC,Node --allow-privileged=true --endpoint-reconciler-type=none \
  --kubelet-preferred-address-types InternalIP --enable-admission-plugins NodeRestriction
await containerd 20 ctr -a "$dir/containerd/containerd.sock" version

# a pause image of this machine's own files: a program that waits
image=$(mktemp -d)
cat >"$image/pause.c" <<'C'
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int s) { _exit(0); }
static void reap(int s) { while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) { signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap); for (;;) pause(); }
C
gcc -static -Os -o "$image/pause" "$image/pause.c"
"$here/oci-image.sh" "$image" "docker.io/$pause" '["/pause"]' pause | ctr -a "$dir/containerd/containerd.sock" -n k8s.io images import - >/dev/null
rm -rf "$image"

get() { curl -sf --cacert pki/ca.crt --cert pki/admin.crt --key pki/admin.key "https://127.0.0.1:$api$1"; }
await apiserver 60 get /readyz
start controller-manager "$bin/kube-controller-manager" --kubeconfig kubeconfig --service-account-private-key-file pki/sa.key --root-ca-file pki/ca.crt \
  --use-service-account-credentials --port 0 --secure-port "$(port)" --bind-address 127.0.0.1 --leader-elect=false \
  --node-monitor-period=2s --node-monitor-grace-period=16s --concurrent-gc-syncs=20
start scheduler "$bin/kube-scheduler" --kubeconfig kubeconfig --port 0 --secure-port "$(port)" --bind-address 127.0.0.1 --leader-elect=false
cat >kubelet.yaml <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $net.1
port: $(port)
readOnlyPort: 0
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $dir/pki/ca.crt}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $dir/pki/node.crt
tlsPrivateKeyFile: $dir/pki/node.key
cgroupDriver: cgroupfs
cgroupsPerQOS: ${OBOT_TEST_CGROUPS:-true}
enforceNodeAllocatable: []
failSwapOn: false
maxPods: 300
serializeImagePulls: false
registryPullQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
eventRecordQPS: 0
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%}
resolvConf: /etc/resolv.conf
YAML
start kubelet "$bin/kubelet" --kubeconfig node.kubeconfig --config kubelet.yaml --root-dir "$dir/kubelet" --hostname-override obot-node --node-ip "$net.1" \
  --container-runtime remote --container-runtime-endpoint "unix://$dir/containerd/containerd.sock"
node_ready() { get /api/v1/nodes/obot-node | grep -oE '"type": ?"Ready"' >/dev/null && get /api/v1/nodes/obot-node | tr -d ' \n' | grep -q '"reason":"KubeletReady"'; }
await kubelet 60 node_ready
account() { get /api/v1/namespaces/default/serviceaccounts/default; }
await controller-manager 30 account
printf 'kubeconfig: %s\ncontainerd: %s\nbridge: %s\n' "$dir/kubeconfig" "$dir/containerd/containerd.sock" "$net.1"
printf 'ready\n'
while :; do sleep 86400 & wait $!; done
