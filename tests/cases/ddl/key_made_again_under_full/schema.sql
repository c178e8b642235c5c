-- joins: the table is loaded again
CREATE TABLE t (k int PRIMARY KEY, v text);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t VALUES (1, 'first'), (2, 'stays');
CREATE TABLE reindexed (k int PRIMARY KEY, v text);
ALTER TABLE reindexed REPLICA IDENTITY FULL;
INSERT INTO reindexed VALUES (1, 'first');
