SELECT 'CREATE TABLE t (' || string_agg('c' || i || ' int', ', ') || ', v text, PRIMARY KEY ('
       || string_agg('c' || i, ', ') || '))'
FROM generate_series(1, 32) AS i
\gexec
SELECT 'INSERT INTO t SELECT ' || string_agg('n / ' || i, ', ') || ', n::text FROM generate_series(1, 40) AS n'
FROM generate_series(1, 32) AS i
\gexec
