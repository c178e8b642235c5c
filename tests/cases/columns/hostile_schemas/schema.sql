-- from: 11
CREATE TABLE here (k int PRIMARY KEY);
CREATE SCHEMA "Columns_Hostile_Schemas";
CREATE SCHEMA "a ""b"".c";
CREATE SCHEMA " it's; -- ";
CREATE SCHEMA "new
line";
CREATE SCHEMA "select";
CREATE SCHEMA "схема";
CREATE TABLE "Columns_Hostile_Schemas".here (k int PRIMARY KEY, v text);
CREATE TABLE "a ""b"".c".t (k int PRIMARY KEY, v text);
CREATE TABLE " it's; -- ".t (k int PRIMARY KEY, v text);
CREATE TABLE "new
line".t (k int PRIMARY KEY, v text);
CREATE TABLE "select"."from" (k int PRIMARY KEY, v text);
CREATE TABLE "схема"."таблица" (k int PRIMARY KEY, v text);
INSERT INTO "a ""b"".c".t VALUES (1, 'one');
