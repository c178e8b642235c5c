CREATE TABLE parent (k int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
CREATE TABLE child (k serial PRIMARY KEY, parent int REFERENCES parent, v text);
CREATE TABLE grandchild (k serial PRIMARY KEY, child int REFERENCES child);
CREATE TABLE bystander (k serial PRIMARY KEY, v text);
INSERT INTO parent (v) SELECT 'p' || i FROM generate_series(1, 5) AS i;
INSERT INTO child (parent, v) SELECT i, 'c' || i FROM generate_series(1, 5) AS i;
INSERT INTO grandchild (child) SELECT i FROM generate_series(1, 5) AS i;
INSERT INTO bystander (v) SELECT 'b' || i FROM generate_series(1, 5) AS i;
