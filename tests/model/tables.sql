-- The tables of one lane: each kind of row identity and of value that folding must keep right.
CREATE TABLE plain (k int PRIMARY KEY, a int, t text);

CREATE TABLE toasted (k int PRIMARY KEY, n int, big text, more text);
ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER more SET STORAGE EXTERNAL;

CREATE TABLE composite (a int, v text, b text, c numeric, PRIMARY KEY (b, a, c));

CREATE TABLE numbers (k numeric PRIMARY KEY, f float8, v text);

CREATE TABLE copies (a int, t text, n numeric, big text);
ALTER TABLE copies ALTER big SET STORAGE EXTERNAL;
ALTER TABLE copies REPLICA IDENTITY FULL;

CREATE TABLE appended (a int, t text);

CREATE TABLE full_keyed (k int PRIMARY KEY, n int, big text);
ALTER TABLE full_keyed ALTER big SET STORAGE EXTERNAL;
ALTER TABLE full_keyed REPLICA IDENTITY FULL;

CREATE TABLE indexed (v int, u text NOT NULL, big text);
ALTER TABLE indexed ALTER big SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX indexed_u ON indexed (u);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_u;

CREATE TABLE switching (k int PRIMARY KEY, u int NOT NULL, t text, big text);
ALTER TABLE switching ALTER big SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX switching_u ON switching (u);

CREATE TABLE parted (k int, p int, t text, big text, PRIMARY KEY (k, p)) PARTITION BY LIST (p);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2) PARTITION BY RANGE (k);
CREATE TABLE parted_2_low PARTITION OF parted_2 FOR VALUES FROM (MINVALUE) TO (4);
CREATE TABLE parted_2_high PARTITION OF parted_2 DEFAULT;
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
ALTER TABLE parted_1 ALTER big SET STORAGE EXTERNAL;
ALTER TABLE parted_rest ALTER big SET STORAGE EXTERNAL;
