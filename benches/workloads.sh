# The workloads of benches/cdc: make_NAME makes and fills the tables of schema bench on the source,
# work_NAME writes what the tools are to catch up with, and sets `changes`.
# shellcheck shell=bash

some() { awk -v n="$1" -v s="$scale" 'BEGIN { n = int(n * s); print n < 1 ? 1 : n }'; }
source_pgbench() {
    PGOPTIONS='-c search_path=bench -c synchronous_commit=off' pgbench -p "$source_port" "$@" bench >/dev/null 2>&1
}
# $1 statements for each i of 1..$2, each its own transaction
in_transactions() {
    on_source -c 'SET synchronous_commit = off' -c "DO \$\$ BEGIN FOR i IN 1..$2 LOOP $1; COMMIT; END LOOP; END \$\$"
}
make_items() { # rows
    on_source -c 'CREATE TABLE bench.items (id bigint PRIMARY KEY, n int NOT NULL, v text, at timestamptz)' \
        -c "INSERT INTO bench.items SELECT i, i % 1000, md5(i::text), timestamptz '2020-01-01Z' + i * interval '1 s'
            FROM generate_series(1, $1) AS i"
}

make_tpcb() { source_pgbench -i -q -s 10; }
work_tpcb() {
    local each
    each=$(some 50000) changes=$((8 * each))
    source_pgbench -n -M prepared -c 2 -t "$each"
}

make_inserts() { make_items 1; }
work_inserts() {
    local rows
    rows=$(some 10000) changes=$((200 * rows))
    in_transactions "INSERT INTO bench.items SELECT j, j % 1000, md5(j::text), timestamptz '2020-01-01Z' + j * interval '1 s'
        FROM generate_series(i * $rows + 1, (i + 1) * $rows) AS j" 200
}

make_updates() { make_items "$(some 2000000)"; }
work_updates() {
    changes=$(some 2000000)
    on_source -c 'UPDATE bench.items SET n = n + 1'
}

make_deletes() { make_items "$(some 2000000)"; }
work_deletes() {
    local rows
    rows=$(some 10000) changes=$((100 * rows))
    in_transactions "DELETE FROM bench.items WHERE id BETWEEN (i - 1) * $rows + 1 AND i * $rows" 100
}

make_hot() { make_items 100000; }
work_hot() {
    local rounds
    rounds=$(some 1000) changes=$((1000 * rounds))
    in_transactions 'UPDATE bench.items SET n = n + 1 WHERE id % 100 = 0' "$rounds"
}

mixed_rows() { # from to
    echo "SELECT n, n, n % 3000, n::bigint * 7919, n / 7.0, sqrt(n), n / 3.0, n % 2 = 0,
        md5(n::text), 'name ' || n, md5(n::text)::uuid, date '2020-01-01' + n % 3000,
        timestamp '2020-01-01' + n * interval '1 s', timestamptz '2020-01-01Z' + n * interval '1 s',
        n * interval '1 min', jsonb_build_object('n', n, 't', 'x' || n), decode(md5(n::text), 'hex'),
        '10.0.0.0'::inet + n, ARRAY[n, n + 1], CASE WHEN n % 5 = 0 THEN NULL ELSE repeat('y', 20) END
        FROM generate_series($1, $2) AS n"
}
make_mixed() {
    on_source -c "CREATE TABLE bench.mixed (id bigint PRIMARY KEY, a int, b smallint, c bigint, d numeric(12,2),
        e float8, f float4, g bool, h text, u varchar(40), j uuid, k date, l timestamp, m timestamptz,
        n interval, o jsonb, p bytea, q inet, r int[], s text)" \
        -c "INSERT INTO bench.mixed $(mixed_rows 1 "$(some 200000)")"
}
work_mixed() { # each of 100 transactions: as many inserts as updates
    local rows old
    rows=$(some 2000) old=$(some 200000) changes=$((200 * rows))
    in_transactions "INSERT INTO bench.mixed $(mixed_rows "$old + (i - 1) * $rows + 1" "$old + i * $rows");
        UPDATE bench.mixed SET d = d + 1, m = m + interval '1 h', s = 'changed' WHERE id BETWEEN (i - 1) * $rows + 1 AND i * $rows" 100
}

make_toast() { # bodies of 4 kB that do not compress
    on_source -c 'CREATE TABLE bench.toast (id bigint PRIMARY KEY, n int NOT NULL, v text, body text)' \
        -c 'ALTER TABLE bench.toast ALTER body SET STORAGE EXTERNAL' \
        -c "INSERT INTO bench.toast SELECT i, 0, md5(i::text), repeat(md5(i::text), 128) FROM generate_series(1, $(some 60000)) AS i"
}
work_toast() { # 100 transactions: 30 % updates that leave the body alone, 70 % inserts
    local rows old fresh
    rows=$(some 600) old=$(some 60000) fresh=$((rows * 7 / 3)) changes=$((100 * (rows + fresh)))
    in_transactions "INSERT INTO bench.toast SELECT j, 0, md5(j::text), NULL
            FROM generate_series($old + (i - 1) * $fresh + 1, $old + i * $fresh) AS j;
        UPDATE bench.toast SET n = n + 1 WHERE id BETWEEN (i - 1) * $rows + 1 AND i * $rows" 100
}

make_nokey() { on_source -c 'CREATE TABLE bench.log (at timestamptz, n int, v text)'; }
work_nokey() {
    local rows
    rows=$(some 10000) changes=$((100 * rows))
    in_transactions "INSERT INTO bench.log SELECT timestamptz '2020-01-01Z' + j * interval '1 s', j, md5(j::text)
        FROM generate_series((i - 1) * $rows + 1, i * $rows) AS j" 100
}

# Native scans the table for each row, so this one is small.
make_full() {
    on_source -c 'CREATE TABLE bench.log (at timestamptz, n int, v text)' -c 'ALTER TABLE bench.log REPLICA IDENTITY FULL' \
        -c "INSERT INTO bench.log SELECT timestamptz '2020-01-01Z' + i * interval '1 s', i, md5(i::text) FROM generate_series(1, 20000) AS i"
}
work_full() {
    local rows
    rows=$(some 50) changes=$((100 * rows))
    in_transactions "UPDATE bench.log SET v = 'changed' WHERE n BETWEEN (i - 1) * $rows + 1 AND i * $rows" 100
}

# As many inserts into as many tables as there are pipelines, in turn.
make_split() {
    local part
    for ((part = 1; part <= parts; part++)); do
        on_source -c "CREATE TABLE bench.items_$part (id bigint PRIMARY KEY, n int NOT NULL, v text, at timestamptz)"
    done
}
work_split() {
    local rows
    rows=$(some 10000) changes=$((200 * rows))
    in_transactions "EXECUTE format('INSERT INTO bench.items_%s SELECT j, j %% 1000, md5(j::text),
        timestamptz ''2020-01-01Z'' + j * interval ''1 s'' FROM generate_series(\$1, \$2) AS j', i % $parts + 1)
        USING i * $rows + 1, (i + 1) * $rows" 200
}
