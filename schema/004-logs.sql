-- What makes the request log answer at once, and what a dashboard reads
-- instead of it.

-- A page of the log is by time, newest first: each index has the time last, so
-- that any filter walks its rows in that order.  The first serves filters that
-- have no index, and those by duration, without touching a row.
DROP INDEX requests_time;
DROP INDEX requests_provider;
DROP INDEX requests_model;
DROP INDEX requests_key;
DROP INDEX requests_status;
DROP INDEX requests_error;
CREATE INDEX requests_time ON requests (time_us, total_us);
CREATE INDEX requests_id ON requests (request_id);
CREATE INDEX requests_provider ON requests (provider, time_us);
CREATE INDEX requests_model ON requests (model_asked, time_us);
CREATE INDEX requests_sent ON requests (model_sent, time_us);
CREATE INDEX requests_key ON requests (key_id, time_us);
CREATE INDEX requests_dialect ON requests (dialect, time_us);
CREATE INDEX requests_status ON requests (status, time_us)
	WHERE status <> 200;
-- With the text in it: a search reads the index alone.
CREATE INDEX requests_error ON requests (time_us, error) WHERE error <> '';
CREATE INDEX requests_slow ON requests (time_us, total_us)
	WHERE total_us >= 60000000;

-- Sums of requests by the minute, hour and day in which they began, kept by the
-- logger in the transaction that writes their rows.  dim: 1 all (name ''), 2
-- provider/model, 3 key, 4 tenant, 5 client key, the latter by id.  Histograms:
-- rollup.h.  unpriced: requests whose cost is not known, which is not 0.
CREATE TABLE rollups (
	period		INTEGER NOT NULL CHECK (period IN (60, 3600, 86400)),
	dim		INTEGER NOT NULL,
	start_s		INTEGER NOT NULL,
	name		TEXT NOT NULL,
	requests	INTEGER NOT NULL,
	errors		INTEGER NOT NULL,
	streams		INTEGER NOT NULL,
	translated	INTEGER NOT NULL,
	attempts	INTEGER NOT NULL,
	input		INTEGER NOT NULL,
	cache_read	INTEGER NOT NULL,
	cache_write	INTEGER NOT NULL,
	output		INTEGER NOT NULL,
	reasoning	INTEGER NOT NULL,
	cost		INTEGER NOT NULL,
	unpriced	INTEGER NOT NULL,
	total_us	INTEGER NOT NULL,
	overhead_us	INTEGER NOT NULL,
	hist		BLOB NOT NULL,
	PRIMARY KEY (period, dim, start_s, name)
) STRICT, WITHOUT ROWID;
