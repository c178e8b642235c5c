-- joins: shapes change
CREATE TABLE t (a int PRIMARY KEY, b int NOT NULL);
INSERT INTO t VALUES (1, 1);
