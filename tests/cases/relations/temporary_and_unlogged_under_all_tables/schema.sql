-- these have no identity, and none is asked of them
CREATE UNLOGGED TABLE unlogged (v text);
INSERT INTO unlogged VALUES ('one');
CREATE TABLE t (k int PRIMARY KEY, v text);
