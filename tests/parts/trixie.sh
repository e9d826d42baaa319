#!/usr/bin/env bash
# trixie.sh PACKAGE…: a chroot of Debian trixie with these packages, made once and kept outside the checkout; prints its folder.
# For parts of the slow campaigns that the machine's own release lacks. Needs root and debootstrap.
set -euo pipefail
root="${OBOT_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/obot-tests}/trixie"
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
# the mirror that this machine's own packages come from
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
  grep -v '^#' | { grep -oE 'https?://[^ ]+/debian/?( |$)' || true; } | head -n 1 | tr -d ' ')
if [ ! -f "$root/.complete" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase trixie "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1
  cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
  touch "$root/.complete"
fi
missing=()
for package in "$@"; do
  chroot "$root" dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq update >>"$root.log" 2>&1
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq -y install "${missing[@]}" >>"$root.log" 2>&1
fi
printf '%s\n' "$root"
