-- The administrator's part on the destination: what `walferry setup-sql` prints, and no more.
CREATE ROLE walferry LOGIN PASSWORD {password};
REVOKE ALL ON DATABASE warehouse FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE warehouse TO walferry;
