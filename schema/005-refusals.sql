-- Members of requests that a model turned out not to take, as its provider said
-- in a 400; see man/proxyd.8, REFUSED PARAMETERS.  Times are microseconds since
-- 1970.

-- name: path of the member in the provider's dialect.  rename: what it is called
-- there, or '': it is left out.  n: times that it was refused.
CREATE TABLE refusals (
	provider	TEXT NOT NULL,
	model		TEXT NOT NULL,
	name		TEXT NOT NULL,
	rename		TEXT NOT NULL,
	since_us	INTEGER NOT NULL,
	expires_us	INTEGER NOT NULL,
	n		INTEGER NOT NULL,
	PRIMARY KEY (provider, model, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_expire ON refusals (expires_us);
