CREATE PUBLICATION walferry_app FOR TABLE t, second;
