-- batch: 1000
CREATE TABLE t (k int PRIMARY KEY, doc text, raw bytea, v int);
INSERT INTO t VALUES (1, repeat('0123456789', 2000000), decode(repeat('00', 5000000), 'hex'), 1);
