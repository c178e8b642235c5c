CREATE TABLE t (k timestamptz PRIMARY KEY, v int);
INSERT INTO t VALUES ('-infinity', 1), ('infinity', 2), ('4713-01-01 00:00:00+00 BC', 3), ('294276-12-31 23:59:59.999999+00', 4),
    ('2020-03-29 02:30:00 Europe/Berlin', 5), ('2020-10-25 02:30:00+02', 6), ('2020-10-25 02:30:00+01', 7), ('0001-01-01 00:00:00+00', 8);
CREATE TABLE without_zone (k timestamp PRIMARY KEY, v int);
INSERT INTO without_zone VALUES ('-infinity', 1), ('infinity', 2), ('4713-01-01 00:00:00 BC', 3), ('294276-12-31 23:59:59.999999', 4), ('2020-10-25 02:30:00.000001', 5);
