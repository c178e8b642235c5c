-- from: 12
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
\ir ../each_value.sql
