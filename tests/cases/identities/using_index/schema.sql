-- binary: all of these types can
CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, part int NOT NULL, v text);
CREATE UNIQUE INDEX by_code ON t (code, part);
ALTER TABLE t REPLICA IDENTITY USING INDEX by_code;
INSERT INTO t SELECT i, 'c' || i % 7, i, 'row ' || i FROM generate_series(1, 30) AS i;
CREATE TABLE without_primary (v text, code int NOT NULL, large text);
CREATE UNIQUE INDEX only_code ON without_primary (code) INCLUDE (v);
ALTER TABLE without_primary REPLICA IDENTITY USING INDEX only_code;
ALTER TABLE without_primary ALTER large SET STORAGE EXTERNAL;
INSERT INTO without_primary SELECT 'row ' || i, i, repeat(i::text, 5000) FROM generate_series(1, 30) AS i;
