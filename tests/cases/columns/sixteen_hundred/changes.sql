UPDATE t SET c800 = k WHERE k % 2 = 0;
UPDATE t SET k = k + 100 WHERE k % 3 = 0;
DELETE FROM t WHERE k = 1;
SELECT 'INSERT INTO t VALUES (' || string_agg(i::text, ', ') || ')' FROM generate_series(1, 1600) AS i
\gexec
INSERT INTO whole SELECT * FROM t WHERE k = 1;
