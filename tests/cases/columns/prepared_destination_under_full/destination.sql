-- another order, and values of its own
CREATE TABLE t (own text DEFAULT 'own', large text, loaded_at timestamptz DEFAULT now(), b text, a int);
