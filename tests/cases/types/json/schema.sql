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
CREATE TABLE t03 (k int PRIMARY KEY, v jsonpath);
INSERT INTO t03 VALUES
    (1, '$'),
    (2, '$.a[*] ? (@.b > 1 && @ like_regex "^x")'),
    (3, 'strict $."key with space"'),
    (4, NULL);
CREATE TABLE t03_whole (v jsonpath);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v xml);
INSERT INTO t04 VALUES
    (1, '<a/>'),
    (2, 'text'),
    (3, '<a b="c">&lt;&amp;</a>'),
    (4, '<?xml version="1.0"?><a>ä</a>'),
    (5, E'<a>\n\t<b/>\n</a>'),
    (6, ''),
    (7, NULL);
CREATE TABLE t04_whole (v xml);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
