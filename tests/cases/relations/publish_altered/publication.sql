CREATE PUBLICATION walferry_app FOR TABLE t WITH (publish = 'insert, delete');
