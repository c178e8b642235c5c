CREATE PUBLICATION walferry_app FOR TABLES IN SCHEMA relations_schema_away_and_back;
