-- binary: all of these types can
-- of rows that are alike exactly one goes
CREATE TABLE t (a int, b text);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t SELECT 1, 'same' FROM generate_series(1, 10);
INSERT INTO t SELECT 2, NULL FROM generate_series(1, 10);
INSERT INTO t SELECT NULL, NULL FROM generate_series(1, 10);
