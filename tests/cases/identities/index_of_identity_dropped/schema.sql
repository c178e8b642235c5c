CREATE TABLE t (k int PRIMARY KEY, u int NOT NULL, v text);
CREATE UNIQUE INDEX t_u ON t (u);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_u;
INSERT INTO t SELECT i, i * 10, 'row ' || i FROM generate_series(1, 10) AS i;
