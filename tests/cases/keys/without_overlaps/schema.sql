-- from: 18
CREATE TABLE t (id int4range, at daterange, v text, PRIMARY KEY (id, at WITHOUT OVERLAPS));
INSERT INTO t SELECT int4range(i, i + 1), daterange('2020-01-01', '2021-01-01'), 'row ' || i FROM generate_series(1, 5) AS i;
CREATE TABLE whole (id int4range, at daterange, v text, PRIMARY KEY (id, at WITHOUT OVERLAPS));
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole TABLE t;
