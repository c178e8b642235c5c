CREATE TABLE parent (k int PRIMARY KEY, v text);
CREATE TABLE child (extra int, PRIMARY KEY (k)) INHERITS (parent);
CREATE TABLE grandchild (PRIMARY KEY (k)) INHERITS (child);
INSERT INTO parent VALUES (1, 'parent'), (2, 'parent');
INSERT INTO child VALUES (1, 'child', 1), (3, 'child', 3);
INSERT INTO grandchild VALUES (1, 'grandchild', 1), (4, 'grandchild', 4);
