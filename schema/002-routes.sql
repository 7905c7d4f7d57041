-- Rules that choose targets, pools of keys, and what is known of each key.
-- Lists and rules are JSON, checked by store_object.c before they get here.

ALTER TABLE models ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
ALTER TABLE models ADD COLUMN pool TEXT NOT NULL DEFAULT '';

-- strategy: of all the provider's keys, where no pool is named.
ALTER TABLE providers ADD COLUMN strategy TEXT NOT NULL
	DEFAULT 'round_robin';
ALTER TABLE providers ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;

-- models: patterns, [] for all.  0: without limit, never expires.
ALTER TABLE keys ADD COLUMN weight INTEGER NOT NULL DEFAULT 1;
ALTER TABLE keys ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN max_concurrent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN rpm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN tpm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN models TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN expires_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN disabled_why TEXT NOT NULL DEFAULT '';

-- keys: ids, of one provider.
CREATE TABLE pools (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL UNIQUE,
	provider_id	INTEGER NOT NULL REFERENCES providers (id),
	strategy	TEXT NOT NULL,
	keys		TEXT NOT NULL,
	source		TEXT NOT NULL DEFAULT 'db'
) STRICT;

-- Tried in the order of pos, then id.
CREATE TABLE rules (
	id		INTEGER PRIMARY KEY,
	pos		INTEGER NOT NULL,
	name		TEXT NOT NULL UNIQUE,
	enabled		INTEGER NOT NULL DEFAULT 1,
	match		TEXT NOT NULL,
	targets		TEXT NOT NULL,
	strategy	TEXT NOT NULL,
	affinity	INTEGER NOT NULL DEFAULT 1,
	source		TEXT NOT NULL DEFAULT 'db'
) STRICT;

-- What rests a key, so that a restart does not forget it.  model: a hash of the
-- key's slot and the model; '': the key itself, parked.  Wall time; rows in the past say only how often.
CREATE TABLE key_states (
	key_id		INTEGER NOT NULL,
	model		TEXT NOT NULL,
	until_us	INTEGER NOT NULL,
	strikes		INTEGER NOT NULL,
	status		INTEGER NOT NULL,
	PRIMARY KEY (key_id, model)
) STRICT, WITHOUT ROWID;
