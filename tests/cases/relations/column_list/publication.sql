CREATE PUBLICATION walferry_app FOR TABLE t (large, k, v);
