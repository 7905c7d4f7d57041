-- Who asks, what he may, what it costs.  Money is integer micro-dollars.

-- slot: the tenant's account in shared memory.  One that is gone keeps it until
-- proxyd starts anew.  models, routes: patterns, one a line; none: all.
-- Rates are by the minute, 0: no limit.  Budgets: -1: none.
CREATE TABLE tenants (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	slot		INTEGER UNIQUE CHECK (slot BETWEEN 0 AND 1023),
	name		TEXT NOT NULL,
	enabled		INTEGER NOT NULL DEFAULT 1,
	models		TEXT NOT NULL DEFAULT '',
	routes		TEXT NOT NULL DEFAULT '',
	rpm		INTEGER NOT NULL DEFAULT 0,
	tpm		INTEGER NOT NULL DEFAULT 0,
	concurrent	INTEGER NOT NULL DEFAULT 0,
	budget_day	INTEGER NOT NULL DEFAULT -1,
	budget_month	INTEGER NOT NULL DEFAULT -1,
	budget_total	INTEGER NOT NULL DEFAULT -1,
	note		TEXT NOT NULL DEFAULT '',
	created_us	INTEGER NOT NULL,
	gone_us		INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX tenants_name ON tenants (name COLLATE NOCASE)
	WHERE gone_us = 0;

-- hash: HMAC-SHA-256 of the key under the one in secret.key.  old_hash is good
-- until old_until_us: a key that is changed may overlap with the next.
CREATE TABLE client_keys (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	slot		INTEGER UNIQUE CHECK (slot BETWEEN 0 AND 4095),
	tenant_id	INTEGER REFERENCES tenants (id) ON DELETE CASCADE,
	name		TEXT NOT NULL,
	hash		TEXT NOT NULL UNIQUE,
	mask		TEXT NOT NULL,
	old_hash	TEXT NOT NULL DEFAULT '',
	old_until_us	INTEGER NOT NULL DEFAULT 0,
	enabled		INTEGER NOT NULL DEFAULT 1,
	expires_us	INTEGER NOT NULL DEFAULT 0,
	models		TEXT NOT NULL DEFAULT '',
	routes		TEXT NOT NULL DEFAULT '',
	rpm		INTEGER NOT NULL DEFAULT 0,
	tpm		INTEGER NOT NULL DEFAULT 0,
	concurrent	INTEGER NOT NULL DEFAULT 0,
	budget_day	INTEGER NOT NULL DEFAULT -1,
	budget_month	INTEGER NOT NULL DEFAULT -1,
	budget_total	INTEGER NOT NULL DEFAULT -1,
	note		TEXT NOT NULL DEFAULT '',
	created_us	INTEGER NOT NULL,
	gone_us		INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX client_keys_name ON client_keys (name COLLATE NOCASE)
	WHERE gone_us = 0;

-- A provider's key that serves one tenant alone; 0: it serves all.
ALTER TABLE keys ADD COLUMN tenant_id INTEGER NOT NULL DEFAULT 0;

-- Per million tokens; -1: as input.  origin: 'builtin' rows follow the table
-- that the program came with, 'db' rows go before them.  provider '': any.
CREATE TABLE prices (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	provider	TEXT NOT NULL,
	model		TEXT NOT NULL,
	input		INTEGER NOT NULL CHECK (input >= 0),
	output		INTEGER NOT NULL CHECK (output >= 0),
	cache_read	INTEGER NOT NULL DEFAULT -1,
	cache_write_5m	INTEGER NOT NULL DEFAULT -1,
	cache_write_1h	INTEGER NOT NULL DEFAULT -1,
	date		TEXT NOT NULL,
	source		TEXT NOT NULL,
	origin		TEXT NOT NULL CHECK (origin IN ('builtin', 'db')),
	UNIQUE (provider, model, origin)
) STRICT;

-- cost -1: not known.  cost_guess: no usage was told, so it is estimated.
ALTER TABLE requests ADD COLUMN tenant_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN client_key_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN cost INTEGER NOT NULL DEFAULT -1;
ALTER TABLE requests ADD COLUMN cost_guess INTEGER NOT NULL DEFAULT 0;
CREATE INDEX requests_tenant ON requests (tenant_id, time_us)
	WHERE tenant_id <> 0;
CREATE INDEX requests_client_key ON requests (client_key_id, time_us)
	WHERE client_key_id <> 0;
