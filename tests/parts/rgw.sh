#!/usr/bin/env bash
# rgw.sh DIR PORT ACCESS_KEY SECRET_KEY: Ceph's S3 gateway over a cluster of one monitor and one in-memory OSD, on 127.0.0.1:PORT. Prints `ready` when it
# answers; everything ends when standard input does. Needs ceph-mon, ceph-osd, ceph-common and radosgw.
set -uo pipefail
dir=$1 port=$2 access=$3 secret=$4
mkdir -p "$dir"
free_port() { local p; while :; do p=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
mon=$(free_port)
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >"$dir/ceph.conf" <<TEXT
[global]
fsid = $fsid
mon_initial_members = a
mon_host = [v2:127.0.0.1:$mon]
ms_bind_msgr1 = false
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_supported = none
run_dir = $dir
admin_socket = $dir/\$name.asok
log_file = $dir/\$name.log
pid_file = $dir/\$name.pid
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 1000
mon_data = $dir/mon
mon_data_avail_warn = 1
mon_data_avail_crit = 1
osd_data = $dir/osd
osd_objectstore = memstore
memstore_device_bytes = 1073741824
keyring = $dir/keyring
ms_mon_client_mode = crc
ms_client_mode = crc
ms_mon_service_mode = crc
ms_service_mode = crc
ms_cluster_mode = crc
ms_mon_cluster_mode = crc
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
rgw_data = $dir/rgw
keyring = $dir/keyring
TEXT
export CEPH_CONF="$dir/ceph.conf"
pids=()
finish() { [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null; wait 2>/dev/null; }
trap finish EXIT
die() { echo "rgw.sh: $*" >&2; tail -n 5 "$dir"/*.log >&2; exit 1; }
# await SECONDS PID command…
await() {
  local end=$((SECONDS + $1)) pid=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    [ $SECONDS -lt $end ] || return 1
    sleep 0.3
  done
}
mkdir -p "$dir/mon" "$dir/osd" "$dir/rgw"
ceph-authtool --create-keyring "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null 2>&1
ceph-authtool "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null 2>&1
ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon "allow *" --cap osd "allow *" >/dev/null 2>&1
monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon]" "$dir/monmap" >/dev/null 2>&1 || die "monmaptool"
ceph-mon -c "$CEPH_CONF" --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring" >"$dir/mkfs.log" 2>&1 || die "the monitor's store"
ceph-mon -c "$CEPH_CONF" -f -i a >"$dir/mon.out.log" 2>&1 </dev/null &
pids+=($!)
await 30 $! timeout 5 ceph -c "$CEPH_CONF" --connect-timeout 3 mon stat || die "the monitor does not answer"
uuid=$(cat /proc/sys/kernel/random/uuid)
timeout 20 ceph -c "$CEPH_CONF" osd new "$uuid" >/dev/null 2>&1 || die "osd new"
ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$uuid" >"$dir/osd-mkfs.log" 2>&1 || die "the OSD's store"
ceph-osd -c "$CEPH_CONF" -f -i 0 >"$dir/osd.out.log" 2>&1 </dev/null &
pids+=($!)
osd_up() { timeout 5 ceph -c "$CEPH_CONF" osd stat 2>/dev/null | grep -q '1 up'; }
await 40 $! osd_up || die "the OSD is not up"
radosgw -c "$CEPH_CONF" -f -n client.rgw >"$dir/rgw.out.log" 2>&1 </dev/null &
pids+=($!)
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
await 60 $! answers || die "the gateway does not answer"
timeout 60 radosgw-admin -c "$CEPH_CONF" -n client.rgw user create --uid=tests --display-name=tests --access-key="$access" --secret-key="$secret" >"$dir/user.log" 2>&1 || die "no user"
echo ready
cat >/dev/null
