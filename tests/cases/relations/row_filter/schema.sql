CREATE TABLE t (k int PRIMARY KEY, wanted bool, v text);
ALTER TABLE t REPLICA IDENTITY FULL;
CREATE TABLE by_key (k int PRIMARY KEY, v text, large text);
ALTER TABLE by_key REPLICA IDENTITY FULL;
ALTER TABLE by_key ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END, 'row ' || i FROM generate_series(1, 30) AS i;
INSERT INTO by_key SELECT i, 'row ' || i, repeat('x', 5000) FROM generate_series(1, 30) AS i;
