CREATE PUBLICATION walferry_app FOR TABLE t (k, a);
CREATE PUBLICATION walferry_app_more FOR TABLE t (k, b);
