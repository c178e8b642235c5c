-- binary: all of these types can
CREATE TABLE t (k text PRIMARY KEY, v int);
INSERT INTO t VALUES ('', 0), (' ', 1), ('a', 2), ('A', 3), ('a ', 4), (E'\t', 5), (E'\n', 6), (E'\\N', 7), (E'\\.', 8),
    (E'a\tb\nc\rd\\e', 9), ('ä', 10), (U&'a\0308', 11), ('😀', 12), ('null', 13), ('NULL', 14);
CREATE TABLE padded (k char(5) PRIMARY KEY, v int);
INSERT INTO padded VALUES ('', 0), ('a', 1), ('ab   ', 2), ('abcde', 3);
CREATE TABLE bounded (k varchar(10), w name, v int, PRIMARY KEY (k, w));
INSERT INTO bounded VALUES ('a', 'b', 1), ('a ', 'b', 2), ('a', 'B', 3);
CREATE TABLE bytes (k bytea PRIMARY KEY, v int);
INSERT INTO bytes VALUES ('', 0), ('\x00', 1), ('\x0001ff', 2), ('\x5c4e', 3);
