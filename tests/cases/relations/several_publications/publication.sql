CREATE PUBLICATION walferry_app FOR TABLE twice WHERE (k < 10), filtered_and_whole WHERE (k < 5);
CREATE PUBLICATION walferry_app_more FOR TABLE twice WHERE (k > 20), once, filtered_and_whole;
CREATE PUBLICATION walferry_app_schema FOR TABLES IN SCHEMA relations_several;
