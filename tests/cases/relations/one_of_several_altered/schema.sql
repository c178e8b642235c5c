-- from: 15
-- joins: tables are loaded again
-- publications: walferry_app, walferry_app_more
CREATE TABLE twice (k int PRIMARY KEY, v text);
INSERT INTO twice SELECT i, 'row ' || i FROM generate_series(1, 30) AS i;
CREATE TABLE listed (k int PRIMARY KEY, a text, b text);
INSERT INTO listed SELECT i, 'a ' || i, 'b ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE handed_over (k int PRIMARY KEY, v text);
INSERT INTO handed_over SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE joins (k int PRIMARY KEY, v text);
INSERT INTO joins SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE inserts_by_one (k int PRIMARY KEY, v text);
INSERT INTO inserts_by_one SELECT i, 'row ' || i FROM generate_series(1, 10) AS i;
