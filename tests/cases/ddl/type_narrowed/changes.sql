-- the old copy could hold all values, but has another type
ALTER TABLE t ALTER COLUMN v TYPE varchar(10);
UPDATE t SET v = 'after' WHERE k = 1;
ALTER TABLE copies ALTER COLUMN a TYPE varchar(10) USING a::text::varchar(10);
INSERT INTO copies SELECT * FROM copies;
