-- What may happen to tables whose shape changes; see changes.sql. In braces also: {x} and {y} a
-- column, {type} a type, {v} a value that fits all of them.

-- t
SELECT put('t', {k}, '{v}')
SELECT put('t', {j} + 10, '{v}')
SELECT touch('t', {k}, '{v}', 'k = {j}')
SELECT touch('t', {k}, '{v}', 'true')
DELETE FROM t WHERE k = {k}
UPDATE t SET k = -k - 1; UPDATE t SET k = -k
ALTER TABLE t ADD COLUMN IF NOT EXISTS {x} {type}
ALTER TABLE t ADD COLUMN IF NOT EXISTS {x} {type} DEFAULT '{v}'
? ALTER TABLE t ADD COLUMN IF NOT EXISTS {x} int DEFAULT (random() * 1000)::int
ALTER TABLE t DROP COLUMN IF EXISTS {x}
ALTER TABLE t RENAME COLUMN {x} TO {y}
ALTER TABLE t RENAME COLUMN {x} TO z; ALTER TABLE t RENAME COLUMN {y} TO {x}; ALTER TABLE t RENAME COLUMN z TO {y}
? ALTER TABLE t ALTER COLUMN {x} TYPE {type} USING {x}::text::{type}
? ALTER TABLE t ALTER COLUMN {x} TYPE text
? ALTER TABLE t DROP CONSTRAINT t_pkey
? ALTER TABLE t ADD PRIMARY KEY (k)
? ALTER TABLE t REPLICA IDENTITY FULL
? ALTER TABLE t REPLICA IDENTITY DEFAULT
? ALTER TABLE t RENAME TO u
? ALTER TABLE u RENAME TO t
? DROP TABLE t; CREATE TABLE t (k int PRIMARY KEY, a text, c int); SELECT put('t', {k}, '{v}')
? TRUNCATE t

-- u
CREATE TABLE IF NOT EXISTS u (k int PRIMARY KEY, b text)
SELECT put('u', {k}, '{v}')
SELECT put('u', {k}, '{v}')
SELECT touch('u', {k}, '{v}', 'k = {j}')
ALTER TABLE u ADD COLUMN IF NOT EXISTS {x} {type} DEFAULT '{v}'
? DROP TABLE u
? TRUNCATE t, u

-- copies
SELECT put('copies', {k}, '{v}')
SELECT put('copies', 1, '7')
INSERT INTO copies SELECT * FROM copies LIMIT 4
SELECT touch('copies', {k}, '{v}', 'ctid = (SELECT min(ctid) FROM copies)')
SELECT touch('copies', {k}, '{v}', 'k = 1')
DELETE FROM copies WHERE ctid = (SELECT max(ctid) FROM copies)
ALTER TABLE copies ADD COLUMN IF NOT EXISTS {x} {type} DEFAULT '{v}'
ALTER TABLE copies DROP COLUMN IF EXISTS {x}
ALTER TABLE copies RENAME COLUMN {x} TO {y}
? ALTER TABLE copies ALTER COLUMN {x} TYPE {type} USING {x}::text::{type}
? TRUNCATE copies
