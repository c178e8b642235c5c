-- alone: its labels are renamed while rows are on their way
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (k int PRIMARY KEY, v mood, vs mood[]);
INSERT INTO t VALUES (1, 'sad', '{ok}'), (2, 'ok', '{sad,ok}'), (3, 'sad', NULL);
CREATE TABLE keyed (k mood PRIMARY KEY, v int);
INSERT INTO keyed VALUES ('sad', 1), ('ok', 2);
