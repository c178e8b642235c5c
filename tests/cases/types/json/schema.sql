-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v json);
INSERT INTO t01 VALUES
    (1, '{}'),
    (2, '[]'),
    (3, 'null'),
    (4, '  {"a" : 1,
	"a":2}  '),
    (5, '"\u0000"'),
    (6, '"\\"'),
    (7, '1e400'),
    (8, '{"": ""}'),
    (9, '"\ud83d\ude00"'),
    (10, NULL);
CREATE TABLE t01_whole (v json);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v jsonb);
INSERT INTO t02 VALUES
    (1, '{}'),
    (2, '[]'),
    (3, 'null'),
    (4, '{"b": 1, "a": [1, 2.0, 2.00, null, true]}'),
    (5, '1e400'),
    (6, '-0'),
    (7, '1.0'),
    (8, '"\\"'),
    (9, '"tab\tline\n"'),
    (10, '"\u00e4\ud83d\ude00"'),
    (11, jsonb_build_object('k', repeat('x', 100000))),
    (12, NULL);
CREATE TABLE t02_whole (v jsonb);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
\ir ../each_value.sql
