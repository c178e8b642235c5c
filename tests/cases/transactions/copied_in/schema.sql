-- rows of one COPY share a WAL record
CREATE TABLE t (k int PRIMARY KEY, v text, n numeric);
CREATE TABLE keyless (v text);
