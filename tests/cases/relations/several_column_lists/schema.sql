-- from: 15
-- publications: walferry_app, walferry_app_more
-- expect: refused The publications send different columns of the table
CREATE TABLE t (k int PRIMARY KEY, a text, b text);
INSERT INTO t VALUES (1, 'a', 'b');
