CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'one');
CREATE TABLE second (k int PRIMARY KEY, v text);
INSERT INTO second VALUES (1, 'one');
CREATE TABLE unpublished (k int PRIMARY KEY, v text);
INSERT INTO unpublished VALUES (1, 'one');
