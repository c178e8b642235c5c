-- a deferrable constraint lets all keys move at once
CREATE TABLE forward (k int PRIMARY KEY, v text);
INSERT INTO forward SELECT i, 'row ' || i FROM generate_series(1, 300) AS i;
CREATE TABLE backward (k int PRIMARY KEY, v text);
INSERT INTO backward SELECT i, 'row ' || i FROM generate_series(1, 300) AS i;
CREATE TABLE half_toasted (k int PRIMARY KEY, v text, large text);
ALTER TABLE half_toasted ALTER large SET STORAGE EXTERNAL;
INSERT INTO half_toasted SELECT i, 'row ' || i, repeat(i::text, 5000) FROM generate_series(1, 20) AS i;
