-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v text);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t VALUES (1, 'first');
