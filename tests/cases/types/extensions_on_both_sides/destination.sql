CREATE SCHEMA "the Extensions";
CREATE EXTENSION citext SCHEMA "the Extensions";
CREATE EXTENSION hstore;
CREATE EXTENSION ltree SCHEMA "the Extensions";
CREATE EXTENSION cube SCHEMA "the Extensions";
