-- binary: all of these types can
-- binary values side by side in one row, with NULLs in every place
CREATE TABLE t (k int PRIMARY KEY, a int2, b int8, c float8, d numeric, e text, f bytea, g timestamptz, h interval, i uuid, j jsonb, l inet, m int[], n text[], o bool, p date, q point, r varbit, s char(4), u money, v json);
INSERT INTO t
SELECT n, CASE WHEN n % 2 = 0 THEN n END, CASE WHEN n % 3 = 0 THEN n * 10000000000 END, n / 3.0, n / 7.0, 'e' || n, decode(md5(n::text), 'hex'),
    timestamptz '2020-01-01 00:00+00' + n * interval '1 day 1 microsecond', n * interval '1 mon -1 day', md5(n::text)::uuid, jsonb_build_object('n', n),
    '10.0.0.0'::inet + n, ARRAY[n, NULL, -n], ARRAY['x', NULL, n::text], n % 2 = 0, date '2020-01-01' + n, point(n, -n), n::bit(10)::varbit, 'c' || n, n::money, '{"n":  1}'
FROM generate_series(1, 100) AS n;
