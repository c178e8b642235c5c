CREATE TABLE kept (id int PRIMARY KEY, note text);
INSERT INTO kept SELECT i, 'note ' || i FROM generate_series(1, 20) AS i;
