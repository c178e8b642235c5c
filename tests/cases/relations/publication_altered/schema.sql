-- joins: tables are loaded again
-- row filters and column lists change, tables leave and come back: nothing of that sends a message
CREATE TABLE filtered (k int PRIMARY KEY, v text);
INSERT INTO filtered SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE listed (k int PRIMARY KEY, a text, b text);
INSERT INTO listed SELECT i, 'a ' || i, 'b ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE away (k int PRIMARY KEY, v text);
INSERT INTO away SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
CREATE TABLE steady (k int PRIMARY KEY, v text);
INSERT INTO steady SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;
