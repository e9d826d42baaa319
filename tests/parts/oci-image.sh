#!/usr/bin/env bash
# oci-image.sh ROOT NAME ENTRYPOINT-JSON [FILE…]: an image archive of one layer on standard output, made of a folder without any engine
# (`ctr images import`, `docker load`). ENV lines of OBOT_IMAGE_ENV (a JSON array) go into its configuration.
set -euo pipefail
root=$1 name=$2 entrypoint=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$root" --numeric-owner ${OBOT_IMAGE_OWNER:+--owner="$OBOT_IMAGE_OWNER" --group="$OBOT_IMAGE_OWNER"} -cf "$work/layer.tar" "${@:-.}"
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
architecture=$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":%s,"Env":%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"tests"}]}' \
  "$architecture" "$entrypoint" "${OBOT_IMAGE_ENV:-[\"PATH=/usr/local/bin:/usr/bin:/bin\"]}" "$layer" >"$work/config"
config=$(sha256sum "$work/config" | cut -d' ' -f1)
mkdir -p "$work/out/blobs"
mv "$work/layer.tar" "$work/out/$layer.tar"
mv "$work/config" "$work/out/$config.json"
rmdir "$work/out/blobs"
printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["%s.tar"]}]' "$config" "$name" "$layer" >"$work/out/manifest.json"
tar -C "$work/out" -cf - manifest.json "$config.json" "$layer.tar"
