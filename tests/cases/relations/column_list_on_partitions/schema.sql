CREATE TABLE root (k int, part int, secret text, v text, PRIMARY KEY (k, part)) PARTITION BY LIST (part);
CREATE TABLE one PARTITION OF root FOR VALUES IN (1);
CREATE TABLE other (secret text, v text, part int NOT NULL, k int NOT NULL);
ALTER TABLE root ATTACH PARTITION other FOR VALUES IN (2);
INSERT INTO root SELECT i, 1 + i % 2, 'secret', 'row ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE swapped (a int NOT NULL, b int NOT NULL, c text, secret text, PRIMARY KEY (a));
CREATE UNIQUE INDEX swapped_b ON swapped (b);
INSERT INTO swapped SELECT i, i * 10, 'row ' || i, 'secret' FROM generate_series(1, 10) AS i;
