#!/usr/bin/env bash
# kubernetes-images.sh SHIM SERVER: makes obot-test/shim:1 (the guard), obot-test/runtime:1 (Node.js with npm, and the bridge) and obot-test/server:1
# (SERVER, a script for Node.js) of this machine's files as archives in the current folder: shim.tar, runtime.tar, server.tar.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
shim=$1 server=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
put() { # ROOT PROGRAM PATH: with the libraries that it is linked to
  mkdir -p "$1$(dirname "$3")"
  cp -L "$2" "$1$3"
  { ldd "$2" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | sort -u | while read -r library; do
    mkdir -p "$1$(dirname "$library")"
    cp -L "$library" "$1$library"
  done
}
basics() { # ROOT
  mkdir -p "$1/etc/ssl/certs" "$1/tmp" "$1/home/obot" "$1/packages" "$1/var/obot" "$1/run/obot"
  chmod 1777 "$1/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nobot:x:10001:10001:obot:/home/obot:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nobot:x:10001:\n' >"$1/etc/group"
  printf 'hosts: files dns\n' >"$1/etc/nsswitch.conf"
  cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$1/etc/ssl/certs/ca-certificates.crt"
}
opened=$(ldconfig -p | grep -oE '/[^ ]*/lib(ssl|crypto)\.so\.3$|/[^ ]*/libnss_(dns|files)\.so\.2$|/[^ ]*/libresolv\.so\.2$' || true)
mkdir -p "$work"/{shim,runtime,server}
for image in shim runtime; do
  basics "$work/$image"
  put "$work/$image" "$shim" /opt/obot/Obot.Shim
  for library in $opened; do put "$work/$image" "$library" "$library"; done
done
put "$work/runtime" "$(command -v node)" /usr/bin/node
put "$work/runtime" /bin/sh /bin/sh
for command in env cat ls cp mv rm mkdir ln chmod pwd uname dirname basename readlink true sleep sed grep tr head which; do
  found=$(command -v "$command" || true)
  [ ! -f "$found" ] || put "$work/runtime" "$found" "/usr/bin/$command"
done
npm=$(readlink -f "$(command -v npm)")
folder=$(dirname "$(dirname "$npm")")
case $folder in /usr/share/nodejs/*) trees=(/usr/share/nodejs /usr/lib/*-linux-gnu/nodejs) ;; *) trees=("$folder") ;; esac
for tree in "${trees[@]}"; do [ ! -d "$tree" ] || { mkdir -p "$work/runtime$(dirname "$tree")" && cp -a "$tree" "$work/runtime$tree"; }; done
ln -s "$npm" "$work/runtime/usr/bin/npm"
ln -s "$(dirname "$npm")/npx-cli.js" "$work/runtime/usr/bin/npx"
put "$work/server" "$(command -v node)" /usr/bin/node
mkdir -p "$work/server/tmp"
cp "$server" "$work/server/server.mjs"
environment='["PATH=/usr/local/bin:/usr/bin:/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt","NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt","HOME=/home/obot"]'
export OBOT_IMAGE_OWNER=0
OBOT_IMAGE_ENV=$environment "$here/oci-image.sh" "$work/shim" docker.io/obot-test/shim:1 '["/opt/obot/Obot.Shim"]' >shim.tar
OBOT_IMAGE_ENV=$environment "$here/oci-image.sh" "$work/runtime" docker.io/obot-test/runtime:1 '["/opt/obot/Obot.Shim"]' >runtime.tar
OBOT_IMAGE_ENV='["PATH=/usr/bin","PORT=8099"]' "$here/oci-image.sh" "$work/server" docker.io/obot-test/server:1 '["/usr/bin/node","/server.mjs"]' >server.tar
