-- destination from: 14
-- binary: all of these types can
-- 1.0 and 1.00 are equal, and not identical
CREATE TABLE t (k numeric PRIMARY KEY, v int);
INSERT INTO t VALUES (1.0, 1), (2, 2), (3.10, 3), ('NaN', 4), ('Infinity', 5), ('-Infinity', 6), (0, 7), (1e-10, 8), (1e100, 9);
CREATE TABLE scaled (k numeric(10, 2) PRIMARY KEY, v int);
INSERT INTO scaled VALUES (1, 1), (2.5, 2), (-0.01, 3);
