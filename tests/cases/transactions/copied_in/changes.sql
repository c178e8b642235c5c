COPY t (k, v) FROM STDIN;
1	one
2	\N
3	
4	tab\there, line\nbreak, back\\slash, \\N and \\.
\.
BEGIN;
COPY keyless FROM STDIN (FORMAT csv);
"twice"
"twice"

"a ""quote"""
\.
UPDATE t SET v = 'after the copy' WHERE k = 1;
COMMIT;
INSERT INTO t SELECT i, 'row ' || i, i / 7.0 FROM generate_series(10, 500) AS i;
