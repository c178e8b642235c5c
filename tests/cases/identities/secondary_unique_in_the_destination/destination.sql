CREATE TABLE t (k int PRIMARY KEY, u int UNIQUE, p int, r int4range, large text, mine int DEFAULT 7);
CREATE UNIQUE INDEX ON t ((p + 1)) WHERE p > 0;
ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&);
-- rows that others refer to are changed in place
CREATE TABLE parent (k int PRIMARY KEY, u int UNIQUE);
CREATE TABLE theirs (parent int REFERENCES parent ON DELETE CASCADE);
