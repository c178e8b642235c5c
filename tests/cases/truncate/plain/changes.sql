TRUNCATE keyed;
INSERT INTO keyed VALUES (1, 'after'), (20, 'after');
TRUNCATE keyless;
INSERT INTO keyless VALUES ('after');
TRUNCATE whole;
INSERT INTO whole VALUES ('row'), ('row');
DELETE FROM whole WHERE ctid = '(0,1)';
TRUNCATE left_empty;
TRUNCATE left_empty;
