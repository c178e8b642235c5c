-- from: 15
-- destination from: 15
-- binary: all of these types can
-- before 15 their text is the byte itself, and since then its octal number, which those servers misread
CREATE TABLE t01 (k int PRIMARY KEY, v "char");
INSERT INTO t01 VALUES
    (1, '\377'),
    (2, '\200'),
    (3, 'a'),
    (4, NULL);
CREATE TABLE t01_whole (v "char");
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
\ir ../each_value.sql
