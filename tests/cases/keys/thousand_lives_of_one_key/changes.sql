BEGIN;
DO $$ BEGIN
    FOR i IN 1..1000 LOOP
        INSERT INTO t VALUES (1, i, 'life ' || i);
        UPDATE t SET v = -v WHERE k = 1;
        DELETE FROM t WHERE k = 1;
        INSERT INTO t VALUES (1, i, 'and again');
        IF i < 1000 THEN DELETE FROM t WHERE k = 1; END IF;
    END LOOP;
END $$;
COMMIT;
DO $$ BEGIN
    FOR i IN 1..200 LOOP
        INSERT INTO in_many_transactions VALUES (1, i, 'life ' || i);
        COMMIT;
        UPDATE in_many_transactions SET v = -v WHERE k = 1;
        COMMIT;
        DELETE FROM in_many_transactions WHERE k = 1;
        INSERT INTO in_many_transactions VALUES (1, i, 'and again');
        COMMIT;
        IF i < 200 THEN DELETE FROM in_many_transactions WHERE k = 1; END IF;
        COMMIT;
    END LOOP;
END $$;
