-- whether a value is good depends on rows of the table itself
CREATE TABLE t (k int PRIMARY KEY);
CREATE FUNCTION is_newest(v int) RETURNS bool LANGUAGE sql AS
    'SELECT $1 > coalesce(max(k), 0) FROM types_domain_checked_by_function.t';
CREATE DOMAIN newest AS int CHECK (is_newest(VALUE));
ALTER TABLE t ADD v newest;
INSERT INTO t VALUES (1, 11);
