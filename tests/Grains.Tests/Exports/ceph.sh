#!/usr/bin/env bash
# A Ceph object gateway with an in-memory OSD, on loopback: ceph.sh FOLDER PORT ACCESS_KEY SECRET. Prints "ready" and ends when its standard input does.
set -euo pipefail
folder=$1 port=$2 key=$3 secret=$4
command -v radosgw ceph-mon ceph-osd ceph curl >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common curl >/dev/null 2>&1
mkdir -p "$folder"/{mon,osd,run,log}
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
mon auth allow insecure global id reclaim = true
keyring = $folder/keyring
run dir = $folder/run
admin socket = $folder/run/\$name.asok
log file = $folder/log/\$name.log
pid file = $folder/run/\$name.pid
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 536870912
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 1
rgw zone root pool = .rgw.root
rgw dns name = 127.0.0.1
CONF
ceph-authtool --create-keyring "$folder/keyring" --gen-key -n client.admin --cap mon "allow *" --cap osd "allow *" >/dev/null 2>&1
export CEPH_CONF=$folder/ceph.conf
children=()
trap 'kill "${children[@]}" 2>/dev/null; wait 2>/dev/null' EXIT
monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$folder/monmap" >/dev/null 2>&1
ceph-mon --mkfs -i a --mon-data "$folder/mon" --monmap "$folder/monmap" >/dev/null 2>&1
ceph-mon -f -i a --mon-data "$folder/mon" >/dev/null 2>&1 &
children+=($!)
uuid=$(cat /proc/sys/kernel/random/uuid)
timeout 60 ceph osd create "$uuid" >/dev/null
ceph-osd -i 0 --osd-data "$folder/osd" --osd-uuid "$uuid" --mkfs >/dev/null 2>&1
timeout 30 ceph osd crush add osd.0 1 root=default >/dev/null 2>&1
ceph-osd -f -i 0 --osd-data "$folder/osd" >/dev/null 2>&1 &
children+=($!)
radosgw -f -c "$folder/ceph.conf" -n client.rgw --auth_client_required=none --auth_cluster_required=none --auth_service_required=none --rgw-frontends="beast endpoint=127.0.0.1:$port" >/dev/null 2>&1 &
children+=($!)
for _ in $(seq 120); do curl -sf "http://127.0.0.1:$port/" >/dev/null && break; sleep 0.5; done
timeout 60 radosgw-admin user create --uid=tests --display-name=tests --access-key="$key" --secret="$secret" >/dev/null 2>&1
echo ready
cat >/dev/null
