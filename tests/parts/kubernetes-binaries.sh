#!/usr/bin/env bash
# kubernetes-binaries.sh: the programs of a Kubernetes node and its control plane, made once from Debian's source package (no binary
# package exists) and kept outside the checkout; prints their folder. About 12 minutes on two idle cores. Needs root and apt-get.
set -euo pipefail
cache="${OBOT_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/obot-tests}/kubernetes"
mkdir -p "$cache"
exec 9>"$cache.lock"
flock 9
log="$cache.log"
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)

# Names are those of Debian 12; what is there already is not installed again.
packages=()
for pair in etcd:etcd-server containerd:containerd /usr/lib/cni/bridge:containernetworking-plugins iptables:iptables openssl:openssl conntrack:conntrack; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "${pair%%:*}" ] || packages+=("${pair##*:}")
done
[ -f "$cache/.complete" ] || for pair in rsync:rsync jq:jq make:make gcc:gcc dpkg-source:dpkg-dev /usr/lib/go-1.19/bin/go:golang-1.19-go; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "${pair%%:*}" ] || packages+=("${pair##*:}")
done
if [ ${#packages[@]} -gt 0 ]; then
  # Debian's packages would start services of their own
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && trap 'rm -f "$policy"' EXIT; }
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${packages[@]}" >>"$log" 2>&1
fi

if [ ! -f "$cache/.complete" ]; then
  # lists of their own: this machine's sources stay as they are
  mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    grep -v '^#' | { grep -oE 'https?://[^ ]+/debian/?( |$)' || true; } | head -n 1 | tr -d ' ')
  mkdir -p "$cache/apt/lists/partial"
  echo "deb-src ${mirror:-http://deb.debian.org/debian} bookworm main" >"$cache/apt/sources.list"
  apt=(-qq -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$cache/apt/lists"
    -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update >>"$log" 2>&1
  rm -rf "$cache/source"
  mkdir -p "$cache/source" "$cache/bin"
  (cd "$cache/source" && apt-get "${apt[@]}" source kubernetes >>"$log" 2>&1)
  # its copy of reflect2 reads the maps of Go 1.18 and later wrongly, and the API server dies of it: Debian's own package is newer
  (cd "$cache/source" && apt-get -qq download golang-github-modern-go-reflect2-dev >>"$log" 2>&1 && dpkg -x golang-github-modern-go-reflect2-dev_*.deb reflect2)
  cd "$cache"/source/kubernetes-*/
  rm -f vendor/github.com/modern-go/reflect2/*.{go,s}
  cp "$cache"/source/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} vendor/github.com/modern-go/reflect2/
  rm -f vendor/github.com/modern-go/reflect2/*_test.go
  export PATH="/usr/lib/go-1.19/bin:$PATH" GOPATH="$cache/source/go" GOCACHE="$cache/source/cache" GOFLAGS=-mod=vendor GO111MODULE=on GOTOOLCHAIN=local HOME="$cache/source"
  # one Makefile target, four programs; the linker's symbols are not needed
  make WHAT="${programs[*]/#/cmd/}" GOLDFLAGS="-s -w" >>"$log" 2>&1
  for program in "${programs[@]}"; do
    install -m 755 "_output/local/go/bin/$program" "$cache/bin/$program" 2>>"$log" || install -m 755 "_output/bin/$program" "$cache/bin/$program"
  done
  cd "$cache" && chmod -R u+w source && rm -rf source apt
  touch "$cache/.complete"
fi
printf '%s\n' "$cache/bin"
