-- What may happen to the tables of a lane. The first line below a table's name is how a history of
-- it begins; each other line is a statement that it may have, those after ? more rarely. In braces:
-- {k} and {j} a key, {n} a number or NULL, {t} a text or NULL, {u} and {w} a text, {c} and {d} a
-- numeric, {f} a float, {p} a partition, {big} a value kept out of line, a short one, or NULL. A name
-- stands for one value in all of a statement. (No identity moves to another index: a native
-- subscription cannot follow that.)

-- plain
INSERT INTO plain SELECT i, i * 10, 'row ' || i FROM generate_series(1, 5) AS i
INSERT INTO plain VALUES ({k}, {n}, {t}) ON CONFLICT DO NOTHING
INSERT INTO plain VALUES ({k}, {n}, {t}) ON CONFLICT (k) DO UPDATE SET a = EXCLUDED.a
UPDATE plain SET a = {n} WHERE k = {k}
UPDATE plain SET a = a + 1, t = {t}
DELETE FROM plain WHERE k = {k}
DELETE FROM plain WHERE k IN ({k}, {j}); INSERT INTO plain VALUES ({k}, {n}, {t}), ({j} + 20, {n}, {t})
UPDATE plain SET k = {j} WHERE k = {k} AND NOT EXISTS (SELECT FROM plain WHERE k = {j})
UPDATE plain SET k = -k - 1; UPDATE plain SET k = -k WHERE k < 0
UPDATE plain SET k = -k WHERE k IN ({k}, {j}); UPDATE plain SET k = {k} + {j} + k WHERE k < 0
INSERT INTO plain VALUES ({k}, {n}, {t})
? TRUNCATE plain
? TRUNCATE copies, plain, toasted
? DELETE FROM plain

-- toasted
INSERT INTO toasted SELECT i, i, repeat(i::text, 2500), repeat('m', 2500) FROM generate_series(1, 5) AS i
INSERT INTO toasted VALUES ({k}, {n}, {big}, {big}) ON CONFLICT DO NOTHING
INSERT INTO toasted VALUES ({k}, {n}, {big}, {big}) ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n
UPDATE toasted SET n = {n} WHERE k = {k}
UPDATE toasted SET n = n + 1
UPDATE toasted SET big = {big} WHERE k = {k}
UPDATE toasted SET more = {big} WHERE k IN ({k}, {j})
UPDATE toasted SET big = more, more = big WHERE k = {k}
DELETE FROM toasted WHERE k = {k}
UPDATE toasted SET k = {j} WHERE k = {k} AND NOT EXISTS (SELECT FROM toasted WHERE k = {j})
UPDATE toasted SET k = {j}, big = {big} WHERE k = {k} AND NOT EXISTS (SELECT FROM toasted WHERE k = {j})
UPDATE toasted SET k = -k - 1; UPDATE toasted SET k = -k WHERE k < 0
UPDATE toasted SET k = -k WHERE k IN ({k}, {j}); UPDATE toasted SET k = {k} + {j} + k WHERE k < 0
? TRUNCATE toasted

-- composite
INSERT INTO composite SELECT i, 'v', chr(96 + i), i FROM generate_series(1, 5) AS i
INSERT INTO composite VALUES ({k}, {t}, {u}, {c}) ON CONFLICT DO NOTHING
UPDATE composite SET v = {t} WHERE a = {k}
UPDATE composite SET v = {t} WHERE c = {c}
DELETE FROM composite WHERE b = {u}
UPDATE composite SET b = {u} WHERE a = {k} AND NOT EXISTS (SELECT FROM composite WHERE b = {u})
UPDATE composite SET a = a + 10 WHERE a = {k} AND NOT EXISTS (SELECT FROM composite WHERE a = {k} + 10)
UPDATE composite SET c = {c}, v = {t} WHERE a = {k} AND b = {u}
UPDATE composite SET c = c * 1.0 WHERE a > {k}
? TRUNCATE composite

-- numbers
INSERT INTO numbers VALUES (1, 1, 'one'), (2.0, -0.0, 'two'), ('NaN', 'NaN', 'not'), (-3.00, NULL, NULL)
INSERT INTO numbers VALUES ({c}, {f}, {t}) ON CONFLICT DO NOTHING
INSERT INTO numbers VALUES ({c}, {f}, {t}) ON CONFLICT (k) DO UPDATE SET k = EXCLUDED.k, f = EXCLUDED.f
UPDATE numbers SET f = {f} WHERE k = {c}
UPDATE numbers SET k = {c} WHERE k = {c}
UPDATE numbers SET k = {c} WHERE k = {d} AND NOT EXISTS (SELECT FROM numbers WHERE k = {c})
UPDATE numbers SET k = k * 1.0 WHERE k > {n}
UPDATE numbers SET k = trim_scale(k), v = {t}
DELETE FROM numbers WHERE k = {c}
DELETE FROM numbers WHERE k IN ({c}, {d}); INSERT INTO numbers VALUES ({c}, {f}, {t})

-- copies
INSERT INTO copies SELECT i % 2, 'copy', 1.0, NULL FROM generate_series(1, 6) AS i
INSERT INTO copies VALUES ({n}, {t}, {c}, {big})
INSERT INTO copies VALUES ({n}, 'copy', {c}, NULL), ({n}, 'copy', {c}, NULL), (NULL, NULL, NULL, NULL)
INSERT INTO copies SELECT * FROM copies LIMIT 8
UPDATE copies SET t = {t} WHERE a = {n}
UPDATE copies SET n = n * 1.0
UPDATE copies SET a = {n} WHERE ctid = (SELECT min(ctid) FROM copies)
UPDATE copies SET big = {big} WHERE ctid = (SELECT max(ctid) FROM copies)
UPDATE copies SET t = t WHERE a IS NULL
DELETE FROM copies WHERE ctid = (SELECT min(ctid) FROM copies WHERE n = {c})
DELETE FROM copies WHERE ctid = (SELECT max(ctid) FROM copies)
DELETE FROM copies WHERE a = {n}
? DELETE FROM copies
? TRUNCATE copies

-- appended
INSERT INTO appended VALUES (1, 'one'), (1, 'one')
INSERT INTO appended VALUES ({n}, {t})
INSERT INTO appended SELECT a, {t} FROM appended LIMIT 5
INSERT INTO appended VALUES ({n}, {t}), ({n}, {t})
TRUNCATE appended
? TRUNCATE appended, plain
? UPDATE appended SET a = {n}

-- full_keyed
INSERT INTO full_keyed SELECT i, i, repeat(i::text, 2500) FROM generate_series(1, 5) AS i
INSERT INTO full_keyed VALUES ({k}, {n}, {big}) ON CONFLICT DO NOTHING
INSERT INTO full_keyed VALUES ({k}, {n}, {big}) ON CONFLICT (k) DO UPDATE SET big = EXCLUDED.big
UPDATE full_keyed SET n = {n} WHERE k = {k}
UPDATE full_keyed SET n = n + 1
UPDATE full_keyed SET big = {big} WHERE k = {k}
DELETE FROM full_keyed WHERE k = {k}
UPDATE full_keyed SET k = {j} WHERE k = {k} AND NOT EXISTS (SELECT FROM full_keyed WHERE k = {j})
UPDATE full_keyed SET k = -k - 1; UPDATE full_keyed SET k = -k WHERE k < 0
? TRUNCATE full_keyed

-- indexed
INSERT INTO indexed VALUES (1, 'a', repeat('a', 2500)), (2, 'b', NULL), (NULL, 'c', 'short')
INSERT INTO indexed VALUES ({n}, {u}, {big}) ON CONFLICT DO NOTHING
UPDATE indexed SET v = {n} WHERE u = {u}
UPDATE indexed SET v = v + 1
UPDATE indexed SET big = {big} WHERE v = {n}
UPDATE indexed SET u = u || 'x' WHERE u = {u}
UPDATE indexed SET u = '<' || u; UPDATE indexed SET u = substr(u, 2) || 'y'
UPDATE indexed SET u = {w} WHERE u = {u} AND NOT EXISTS (SELECT FROM indexed WHERE u = {w})
DELETE FROM indexed WHERE u = {u}
? TRUNCATE indexed

-- switching
ALTER TABLE switching REPLICA IDENTITY DEFAULT; INSERT INTO switching SELECT i, i * 10, 'row', repeat(i::text, 2500) FROM generate_series(1, 5) AS i
INSERT INTO switching VALUES ({k}, {j} * 10, {t}, {big}) ON CONFLICT DO NOTHING
UPDATE switching SET t = {t} WHERE k = {k}
UPDATE switching SET t = t || '+' WHERE u < {j} * 10
UPDATE switching SET u = {j} * 10 WHERE k = {k} AND NOT EXISTS (SELECT FROM switching WHERE u = {j} * 10)
UPDATE switching SET u = -u; UPDATE switching SET u = 10 - u
UPDATE switching SET big = {big} WHERE k = {k}
DELETE FROM switching WHERE k = {k}
ALTER TABLE switching REPLICA IDENTITY DEFAULT
ALTER TABLE switching REPLICA IDENTITY FULL
? ALTER TABLE switching REPLICA IDENTITY NOTHING
? TRUNCATE switching

-- parted
INSERT INTO parted SELECT i, i % 4, 'row', repeat(i::text, 2500) FROM generate_series(1, 8) AS i
INSERT INTO parted VALUES ({k}, {p}, {t}, {big}) ON CONFLICT DO NOTHING
UPDATE parted SET t = {t} WHERE k = {k}
UPDATE parted SET t = {t} WHERE p = {p}
UPDATE parted SET p = {p} WHERE k = {k} AND NOT EXISTS (SELECT FROM parted WHERE k = {k} AND p = {p})
UPDATE parted SET p = p + 1 WHERE k = {k} AND p = (SELECT max(p) FROM parted WHERE k = {k})
UPDATE parted SET k = k + 20 WHERE k < {k} AND p = {p} AND NOT EXISTS (SELECT FROM parted WHERE k > 20)
UPDATE parted SET big = {big} WHERE k = {k}
DELETE FROM parted WHERE k = {k}
DELETE FROM parted WHERE p = {p}
? TRUNCATE parted
