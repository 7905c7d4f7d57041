-- Conversations of the Responses API.  used_us: when something was last said in
-- it, by which it grows old as a whole.  metadata: the client's, sealed.
CREATE TABLE conversations (
	tenant_id	INTEGER NOT NULL,
	id		TEXT NOT NULL,
	time_us		INTEGER NOT NULL,
	used_us		INTEGER NOT NULL,
	metadata	BLOB NOT NULL,
	PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_used ON conversations (used_us);

-- What was said in them, in the order of place.  item: as it was said, sealed.
CREATE TABLE items (
	tenant_id	INTEGER NOT NULL,
	conversation	TEXT NOT NULL,
	place		INTEGER NOT NULL,
	id		TEXT NOT NULL,
	time_us		INTEGER NOT NULL,
	item		BLOB NOT NULL,
	PRIMARY KEY (tenant_id, conversation, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX items_id ON items (tenant_id, conversation, id);

-- A response is no longer what a conversation consists of.
DROP INDEX responses_conversation;
ALTER TABLE responses DROP COLUMN conversation;
