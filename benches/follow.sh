# What benches/cdc, latency and large share: walferry and a native subscription on the same source.
# Reads delay_source and delay_destination (milliseconds, each way; empty for none).
# shellcheck shell=bash
walferry=${WALFERRY:-target/release/walferry}
[ -x "$walferry" ] || cargo build --release
metrics_port=$((source_port + 1))

# What walferry's and native's connections go through; others do not.
source_way=$source_port destination_way=$destination_port
relay() { # port server_port milliseconds
    exec {lines}< <(exec python3 benches/relay.py "$@")
    relays+=" $!"
    read -r <&"$lines"
}
relays=
if [ -n "$delay_source" ]; then
    source_way=$((source_port + 2))
    relay $source_way "$source_port" "$delay_source"
fi
if [ -n "$delay_destination" ]; then
    destination_way=$((source_port + 3))
    relay $destination_way "$destination_port" "$delay_destination"
fi
trap 'kill $relays $pids 2>/dev/null || true; clean_up' EXIT
pids=

cat >"$work/walferry.toml" <<TOML
pipeline.name = "bench"
source = { host = "127.0.0.1", port = $source_way, database = "bench", user = "postgres", sslmode = "disable", replication = { publication = "bench" } }
destination = { host = "127.0.0.1", port = $destination_way, database = "bench", user = "postgres", sslmode = "disable", schema_prefix = "copy" }
observability.listen = "127.0.0.1:$metrics_port"
TOML
subscribe="CREATE SUBSCRIPTION native CONNECTION 'host=127.0.0.1 port=$source_way user=postgres dbname=bench' PUBLICATION bench"

# --- processes and their CPU seconds

cpu() { # pid ...: of processes with all their threads
    local pid sum=0
    for pid in "$@"; do
        sum=$((sum + $(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')))
    done
    awk -v s=$sum 'BEGIN { printf "%.2f\n", s / 100 }'
}
# of the sessions of a cluster that have ended
reaped() { sed 's/.*) //' "/proc/$(head -1 "$work/$1/data/postmaster.pid")/stat" | awk '{ printf "%.2f\n", ($14 + $15) / 100 }'; }
plus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a + b }'; }
peak() { awk '/VmHWM/ { print $2 }' "/proc/$1/status"; }
start_walferry() { # pattern in the log to wait for; sets pid
    : >"$work/log"
    "$walferry" --config "$work/walferry.toml" run >"$work/log" 2>&1 &
    pid=$! pids=$!
    [ -z "$1" ] || until grep -qE "$1|^error" "$work/log"; do kill -0 $pid && sleep 0.01; done
}
stop_walferry() { kill -TERM $pid && wait $pid && pids= || { cat "$work/log" >&2; exit 1; }; }

names() { on_source -c "SELECT tablename FROM pg_tables WHERE schemaname = 'bench' ORDER BY 1"; }
definition() { # table: for native
    on_source -c "SELECT format('CREATE TABLE bench.%I (%s)', '$1',
            (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
               FROM pg_attribute WHERE attrelid = 'bench.$1'::regclass AND attnum > 0 AND NOT attisdropped))
        UNION ALL SELECT format('ALTER TABLE bench.%I ADD %s', '$1', pg_get_constraintdef(oid))
               FROM pg_constraint WHERE conrelid = 'bench.$1'::regclass AND contype = 'p'
        UNION ALL SELECT 'ALTER TABLE bench.$1 REPLICA IDENTITY FULL' FROM pg_class
               WHERE oid = 'bench.$1'::regclass AND relreplident = 'f'"
}
