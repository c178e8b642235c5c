-- The source's primary key, by the oid of its constraint: another one when it was dropped and made
-- again. 0 without one; NULL when nobody has looked yet.
ALTER TABLE walferry_tables ADD COLUMN source_key oid;
