CREATE TABLE t (gone1 int, v text, gone2 text DEFAULT 'gone', k int PRIMARY KEY);
ALTER TABLE t DROP gone1, DROP gone2;
