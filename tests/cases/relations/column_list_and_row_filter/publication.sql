CREATE PUBLICATION walferry_app FOR TABLE t (k, v) WHERE (k % 2 = 0);
