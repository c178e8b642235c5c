CREATE PUBLICATION walferry_app FOR TABLE t WITH (publish_generated_columns = stored);
