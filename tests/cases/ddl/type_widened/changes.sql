UPDATE longer SET v = 'before' WHERE k = 1;
ALTER TABLE longer ALTER v TYPE varchar(20), ALTER n TYPE numeric(9,2);
INSERT INTO longer VALUES (200, 'more than ten bytes', 123456.78);
UPDATE endless SET v = 'before' WHERE k = 1;
ALTER TABLE endless ALTER v TYPE text;
UPDATE endless SET v = repeat('long ', 10) WHERE k = 2;
ALTER TABLE quiet ALTER v TYPE text;
