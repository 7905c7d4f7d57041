-- What the file app.yml and the operator configure, the request log, and the
-- statistics of keys.  Times are microseconds since 1970.  source: 'file' rows
-- follow app.yml, 'db' rows are the operator's, 'gone' ones have left the file
-- and are kept because statistics and slots hang on them.

CREATE TABLE migrations (
	version		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL,
	time_us		INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	id		INTEGER PRIMARY KEY CHECK (id = 1),
	generation	INTEGER NOT NULL
) STRICT;
INSERT INTO meta (id, generation) VALUES (1, 1);

CREATE TABLE settings (
	name		TEXT PRIMARY KEY,
	value		ANY NOT NULL,
	source		TEXT NOT NULL CHECK (source IN ('file', 'db'))
) STRICT, WITHOUT ROWID;

-- Host names besides loopback that a request may be sent to.
CREATE TABLE hosts (
	name		TEXT PRIMARY KEY,
	source		TEXT NOT NULL CHECK (source IN ('file', 'db'))
) STRICT, WITHOUT ROWID;

-- proxy may hold a password: sealed, and compared by proxy_print.
CREATE TABLE providers (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL UNIQUE,
	pos		INTEGER NOT NULL,
	dialect		TEXT NOT NULL,
	base_url	TEXT NOT NULL DEFAULT '',
	auth_header	TEXT NOT NULL DEFAULT '',
	auth_format	TEXT NOT NULL DEFAULT '',
	default_model	TEXT NOT NULL DEFAULT '',
	proxy		BLOB NOT NULL DEFAULT x'',
	proxy_print	TEXT NOT NULL DEFAULT '',
	ca_file		TEXT NOT NULL DEFAULT '',
	keyless		INTEGER NOT NULL DEFAULT 0,
	connect_ms	INTEGER NOT NULL DEFAULT 10000,
	first_byte_ms	INTEGER NOT NULL DEFAULT 300000,
	idle_ms		INTEGER NOT NULL DEFAULT 300000,
	total_ms	INTEGER NOT NULL DEFAULT 0,
	source		TEXT NOT NULL
	    CHECK (source IN ('builtin', 'file', 'db', 'gone'))
) STRICT;
INSERT INTO providers (name, pos, dialect, default_model, keyless, source)
	VALUES ('mock', 1000000000, 'mock', 'mock-echo', 1, 'builtin');

-- A header's value may be a credential: sealed, and compared by print.
CREATE TABLE provider_headers (
	provider_id	INTEGER NOT NULL
	    REFERENCES providers (id) ON DELETE CASCADE,
	pos		INTEGER NOT NULL,
	name		TEXT NOT NULL,
	value		BLOB NOT NULL,
	print		TEXT NOT NULL,
	PRIMARY KEY (provider_id, pos)
) STRICT, WITHOUT ROWID;

-- slot: the key's row in shared memory.  A key that is gone keeps its slot
-- until none other is free.  print: keyed hash of the value.
CREATE TABLE keys (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	provider_id	INTEGER NOT NULL REFERENCES providers (id),
	slot		INTEGER UNIQUE CHECK (slot BETWEEN 0 AND 1023),
	pos		INTEGER NOT NULL,
	value		BLOB NOT NULL,
	print		TEXT NOT NULL,
	mask		TEXT NOT NULL,
	enabled		INTEGER NOT NULL DEFAULT 1,
	source		TEXT NOT NULL CHECK (source IN ('file', 'db', 'gone')),
	added_us	INTEGER NOT NULL,
	gone_us		INTEGER NOT NULL DEFAULT 0,
	UNIQUE (provider_id, print)
) STRICT;

-- mode: 0 transformer, 1 direct, -1 as the setting says.
CREATE TABLE models (
	id		INTEGER PRIMARY KEY,
	route_key	TEXT NOT NULL,
	target		TEXT NOT NULL,
	provider_id	INTEGER NOT NULL REFERENCES providers (id),
	mode		INTEGER NOT NULL DEFAULT -1,
	source		TEXT NOT NULL CHECK (source IN ('file', 'db')),
	UNIQUE (route_key, source)
) STRICT;
CREATE INDEX models_provider ON models (provider_id);

-- Lifetime counters.  No reference to keys: a record may outlive its key.
CREATE TABLE key_use (
	key_id		INTEGER PRIMARY KEY,
	ok		INTEGER NOT NULL,
	failed		INTEGER NOT NULL,
	last_used_us	INTEGER NOT NULL
) STRICT;

CREATE TABLE key_stats (
	key_id		INTEGER NOT NULL,
	status		INTEGER NOT NULL,
	n		INTEGER NOT NULL,
	PRIMARY KEY (key_id, status)
) STRICT, WITHOUT ROWID;

-- How far the rings of one shared memory have been written to requests.
CREATE TABLE ring_tails (
	epoch		INTEGER NOT NULL,
	ring		INTEGER NOT NULL,
	tail		INTEGER NOT NULL,
	PRIMARY KEY (epoch, ring)
) STRICT, WITHOUT ROWID;

-- One row a finished request; id is the order of their ends.  Durations in
-- microseconds, -1: never happened.  Token counts are disjoint, -1: not said.
CREATE TABLE requests (
	id		INTEGER PRIMARY KEY,
	time_us		INTEGER NOT NULL,
	status		INTEGER NOT NULL,
	upstream_status	INTEGER NOT NULL,
	provider	TEXT NOT NULL,
	model_asked	TEXT NOT NULL,
	model_sent	TEXT NOT NULL,
	model_answered	TEXT NOT NULL,
	dialect		TEXT NOT NULL,
	target_dialect	TEXT NOT NULL,
	path		TEXT NOT NULL,
	route		TEXT NOT NULL,
	stream		INTEGER NOT NULL,
	translated	INTEGER NOT NULL,
	incomplete	INTEGER NOT NULL,
	attempts	INTEGER NOT NULL,
	key_id		INTEGER NOT NULL,
	key_mask	TEXT NOT NULL,
	input		INTEGER NOT NULL,
	cache_read	INTEGER NOT NULL,
	cache_write_5m	INTEGER NOT NULL,
	cache_write_1h	INTEGER NOT NULL,
	output		INTEGER NOT NULL,
	reasoning	INTEGER NOT NULL,
	ttfb_us		INTEGER NOT NULL,
	total_us	INTEGER NOT NULL,
	overhead_us	INTEGER NOT NULL,
	bytes_in	INTEGER NOT NULL,
	bytes_out	INTEGER NOT NULL,
	bytes_up	INTEGER NOT NULL,
	bytes_down	INTEGER NOT NULL,
	worker		INTEGER NOT NULL,
	request_id	TEXT NOT NULL,
	upstream_id	TEXT NOT NULL,
	client		TEXT NOT NULL,
	user_agent	TEXT NOT NULL,
	stop		TEXT NOT NULL,
	close		TEXT NOT NULL,
	error		TEXT NOT NULL,
	attempts_json	TEXT NOT NULL,
	loss_json	TEXT NOT NULL
) STRICT;

-- Each ends in id by itself, so that a filter pages in the order of id.  The
-- common values need no index: a page of them is found by walking.
CREATE INDEX requests_time ON requests (time_us);
CREATE INDEX requests_provider ON requests (provider);
CREATE INDEX requests_model ON requests (model_asked);
CREATE INDEX requests_key ON requests (key_id);
CREATE INDEX requests_status ON requests (status) WHERE status <> 200;
CREATE INDEX requests_error ON requests (id) WHERE error <> '';
