CREATE PUBLICATION walferry_app FOR TABLE t, keyed WITH (publish = 'insert, truncate');
