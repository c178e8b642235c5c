CREATE PUBLICATION walferry_app FOR TABLE t WHERE (wanted AND k < 100), by_key WHERE (k > 10);
