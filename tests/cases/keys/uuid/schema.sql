CREATE TABLE t (k uuid PRIMARY KEY, v int);
INSERT INTO t SELECT md5(i::text)::uuid, i FROM generate_series(1, 50) AS i;
