INSERT INTO here VALUES (1);
INSERT INTO "Columns_Hostile_Schemas".here VALUES (1, 'one');
UPDATE "a ""b"".c".t SET v = 'changed';
INSERT INTO " it's; -- ".t VALUES (1, 'one');
INSERT INTO "new
line".t VALUES (1, 'one');
TRUNCATE "a ""b"".c".t, "select"."from";
INSERT INTO "select"."from" VALUES (1, 'one');
INSERT INTO "схема"."таблица" VALUES (1, 'раз');
