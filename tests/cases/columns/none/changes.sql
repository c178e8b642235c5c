INSERT INTO none SELECT FROM generate_series(1, 7);
INSERT INTO none_whole SELECT FROM generate_series(1, 2);
DELETE FROM none_whole WHERE ctid = '(0,1)';
INSERT INTO all_dropped DEFAULT VALUES;
