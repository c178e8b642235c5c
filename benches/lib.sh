# What the benchmarks share: two throw-away clusters, one source and one destination, and figures.
# shellcheck shell=bash
set -euo pipefail

bin=${WALFERRY_PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
[ -x "$bin/initdb" ] || { echo "no PostgreSQL server found: set WALFERRY_PG_BIN" >&2; exit 1; }
# the programs themselves: Debian's wrappers cost more than what they start
client=${WALFERRY_PG_CLIENT:-$(dirname "$(ls /usr/lib/postgresql/*/bin/psql 2>/dev/null | sort -V | tail -1)")}
[ -x "$client/psql" ] || client=$(dirname "$(command -v psql)")
work=$(mktemp -d /tmp/walferry-bench-XXXXXX)
chmod 755 "$work"
export PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=bench
source_port=$((20000 + RANDOM % 20000)) destination_port=$((40000 + RANDOM % 20000))

as_server() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

cluster() { # name port [setting=value ...]
    local home=$work/$1
    mkdir "$home"
    [ "$(id -u)" != 0 ] || chown postgres "$home"
    as_server "$bin/initdb" -D "$home/data" -A trust -U postgres --no-sync >/dev/null
    cat >>"$home/data/postgresql.conf" <<END
port = $2
unix_socket_directories = '$home'
wal_level = logical
shared_buffers = 1GB
max_wal_size = 16GB
checkpoint_timeout = 1h
max_connections = 200
max_wal_senders = 20
max_replication_slots = 20
max_logical_replication_workers = 8
autovacuum = off
END
    printf '%s\n' "${@:3}" >>"$home/data/postgresql.conf"
    as_server "$bin/pg_ctl" -D "$home/data" -l "$home/log" -w start >/dev/null
    "$client/psql" -p "$2" -d postgres -qc 'CREATE DATABASE bench'
}

clean_up() {
    local home
    for home in "$work"/source "$work"/destination; do
        [ ! -d "$home" ] || as_server "$bin/pg_ctl" -D "$home/data" -m immediate stop >/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

on_source() { "$client/psql" -p "$source_port" -v ON_ERROR_STOP=1 -qAt "$@"; }
on_destination() { "$client/psql" -p "$destination_port" -v ON_ERROR_STOP=1 -qAt "$@"; }
now() { date +%s.%N; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }
# CPU seconds that a cluster has used: its postmaster, the processes that it has, and those that ended
cluster_cpu() {
    local of
    of=$(head -1 "$work/$1/data/postmaster.pid")
    cat "/proc/$of/stat" $(printf '/proc/%s/stat ' $(cat "/proc/$of/task/$of/children")) 2>/dev/null |
        sed 's/.*) //' | awk 'NR == 1 { s = $14 + $15 } { s += $12 + $13 } END { printf "%.2f", s / 100 }'
}
# CPU seconds of commands that this shell has waited for
clients_cpu() { sed 's/.*) //' /proc/$$/stat | awk '{ printf "%.2f", ($14 + $15) / 100 }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
