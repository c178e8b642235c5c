CREATE PUBLICATION walferry_app FOR TABLE low WHERE (k > 90), high WHERE (k < 115), parent WHERE (k > 10);
