UPDATE one SET v = 'before';
ALTER TABLE one RENAME TO "One more";
INSERT INTO "One more" VALUES (10, 'after');
ALTER TABLE quiet RENAME TO still_quiet;
CREATE TABLE one (k int PRIMARY KEY, w int);
INSERT INTO one VALUES (1, 1);
