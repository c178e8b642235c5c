-- binary: all of these types can
CREATE TABLE none ();
INSERT INTO none DEFAULT VALUES;
INSERT INTO none DEFAULT VALUES;
CREATE TABLE none_whole ();
ALTER TABLE none_whole REPLICA IDENTITY FULL;
INSERT INTO none_whole SELECT FROM generate_series(1, 5);
CREATE TABLE all_dropped (a int, b text);
INSERT INTO all_dropped VALUES (1, 'x'), (2, 'y');
ALTER TABLE all_dropped DROP a, DROP b;
