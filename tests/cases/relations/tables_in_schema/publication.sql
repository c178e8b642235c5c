CREATE PUBLICATION walferry_app FOR TABLES IN SCHEMA relations_tables_in_schema, TABLE relations_second.t;
