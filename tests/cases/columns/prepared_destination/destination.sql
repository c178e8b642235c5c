-- another order, more columns, more indexes
CREATE TABLE t (
    loaded_at timestamptz NOT NULL DEFAULT now(), large text, b numeric, counter serial, a text, "a.b" text, k int PRIMARY KEY,
    computed text GENERATED ALWAYS AS (a || '!') STORED
);
CREATE INDEX ON t (a);
