-- from: 12
-- until: 17
-- later servers refuse such changes unless the publication sends generated columns
CREATE TABLE keyless (a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
ALTER TABLE keyless REPLICA IDENTITY FULL;
INSERT INTO keyless SELECT i % 3 FROM generate_series(1, 9) AS i;
