-- In which seconds requests began that have a value: what finds the rare ones.
-- An entry a second and value is a fraction of what an entry a row costs its
-- writer, and where rows are few it is the same.  dim: store_seconds.h; an id is
-- text, too.
CREATE TABLE request_seconds (
	dim		INTEGER NOT NULL,
	value		TEXT NOT NULL,
	second		INTEGER NOT NULL,
	PRIMARY KEY (dim, value, second)
) STRICT, WITHOUT ROWID;

INSERT INTO request_seconds SELECT DISTINCT 1, provider, time_us / 1000000
	FROM requests INDEXED BY requests_provider WHERE provider <> '';
INSERT INTO request_seconds SELECT DISTINCT 2, model_asked, time_us / 1000000
	FROM requests INDEXED BY requests_model WHERE model_asked <> '';
INSERT INTO request_seconds SELECT DISTINCT 3, model_sent, time_us / 1000000
	FROM requests INDEXED BY requests_sent WHERE model_sent <> '';
INSERT INTO request_seconds SELECT DISTINCT 4, dialect, time_us / 1000000
	FROM requests INDEXED BY requests_dialect WHERE dialect <> '';
INSERT INTO request_seconds SELECT DISTINCT 5, CAST(key_id AS TEXT),
	time_us / 1000000
	FROM requests INDEXED BY requests_key WHERE key_id <> 0;
INSERT INTO request_seconds SELECT DISTINCT 6, CAST(status AS TEXT),
	time_us / 1000000
	FROM requests INDEXED BY requests_status WHERE status <> 200;
INSERT INTO request_seconds SELECT DISTINCT 7, CAST(tenant_id AS TEXT),
	time_us / 1000000
	FROM requests INDEXED BY requests_tenant WHERE tenant_id <> 0;
INSERT INTO request_seconds SELECT DISTINCT 8, CAST(client_key_id AS TEXT),
	time_us / 1000000
	FROM requests INDEXED BY requests_client_key WHERE client_key_id <> 0;

-- A request's id begins with its time, which finds its row.
DROP INDEX requests_id;
DROP INDEX requests_provider;
DROP INDEX requests_model;
DROP INDEX requests_sent;
DROP INDEX requests_dialect;
DROP INDEX requests_key;
DROP INDEX requests_status;
DROP INDEX requests_tenant;
DROP INDEX requests_client_key;
