-- What computes a generated column: another one after SET EXPRESSION, which gives virtual columns new
-- values without touching a row. NULL for others, and when nobody has looked.
ALTER TABLE walferry_columns ADD COLUMN expression oid;
