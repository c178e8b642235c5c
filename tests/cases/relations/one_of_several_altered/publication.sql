CREATE PUBLICATION walferry_app FOR TABLE twice WHERE (k < 10), listed (k, a), handed_over, inserts_by_one;
CREATE PUBLICATION walferry_app_more FOR TABLE twice WHERE (k > 20), listed (k, a), inserts_by_one WITH (publish = 'insert');
