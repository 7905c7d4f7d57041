-- state.db: what conversations need to be continued.  Written by workers before
-- the end of an answer goes out, so that the next turn finds it wherever it
-- comes in.  Values are sealed under the key in secret.key.  Times are
-- microseconds since 1970; tenant_id 0: no tenant.

CREATE TABLE migrations (
	version		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL,
	time_us		INTEGER NOT NULL
) STRICT;

-- Reasoning state that the client's wire cannot carry.  name: what it is found
-- by in a later turn.  family: the dialect that can read it.  key_id: the
-- provider's key under which it was made.
CREATE TABLE vault (
	tenant_id	INTEGER NOT NULL,
	name		TEXT NOT NULL,
	family		TEXT NOT NULL,
	provider	TEXT NOT NULL,
	model		TEXT NOT NULL,
	key_id		INTEGER NOT NULL,
	time_us		INTEGER NOT NULL,
	value		BLOB NOT NULL,
	PRIMARY KEY (tenant_id, name, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_time ON vault (time_us);

-- Responses that were asked to be stored: the object as the client got it, and
-- the input items of its turn.  previous: the response that it went on from.
CREATE TABLE responses (
	tenant_id	INTEGER NOT NULL,
	id		TEXT NOT NULL,
	previous	TEXT NOT NULL,
	conversation	TEXT NOT NULL,
	time_us		INTEGER NOT NULL,
	object		BLOB NOT NULL,
	input		BLOB NOT NULL,
	PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX responses_time ON responses (time_us);
CREATE INDEX responses_conversation ON responses (tenant_id, conversation,
	time_us) WHERE conversation <> '';
