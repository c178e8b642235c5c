-- binary: all of these types can
-- -0 equals 0, and NaN equals NaN
CREATE TABLE doubles (k float8 PRIMARY KEY, v int);
INSERT INTO doubles VALUES ('-0', 1), (1.5, 2), ('NaN', 3), ('Infinity', 4), ('-Infinity', 5), (5e-324, 6), (1.7976931348623157e308, 7), (0.1, 8);
CREATE TABLE singles (k float4 PRIMARY KEY, v int);
INSERT INTO singles VALUES ('0', 1), (1.5, 2), ('NaN', 3), ('Infinity', 4), ('-Infinity', 5), (1e-45, 6), (3.4028235e38, 7), (0.1, 8);
