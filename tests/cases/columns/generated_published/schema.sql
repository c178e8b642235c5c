-- from: 18
-- expect: halted generated
CREATE TABLE t (k int PRIMARY KEY, double int GENERATED ALWAYS AS (k * 2) STORED);
INSERT INTO t VALUES (1);
