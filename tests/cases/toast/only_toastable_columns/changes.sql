UPDATE t SET a = a WHERE k = 'k1';
UPDATE t SET k = 'moved' WHERE k = 'k2';
UPDATE t SET a = 'x' WHERE k = 'k3';
UPDATE t SET b = repeat('y', 4000) WHERE k = 'k4';
UPDATE one_column SET large = large;
DELETE FROM one_column WHERE ctid = (SELECT max(ctid) FROM one_column);
UPDATE one_column SET large = repeat('z', 5000) WHERE ctid = (SELECT max(ctid) FROM one_column);
