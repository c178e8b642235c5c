-- types without "=", and values that are equal and differ
CREATE TABLE t (j json, x xml, p point, n numeric, f float8, c char(3));
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t VALUES ('{"a":1}', '<a/>', '(1,2)', 1.0, '-0', 'a'), ('{"a": 1}', '<a />', '(1,2)', 1.00, '0', 'a'),
    ('{"a":1}', '<a/>', '(-0,2)', 1, 'NaN', 'b'), ('{"a":1}', '<a/>', '(0,2)', 1, 'NaN', 'b'), (NULL, NULL, NULL, NULL, NULL, NULL);
