-- Responses stand in the order in which they came: writing one more touches the
-- table's last page, whatever its id, and the oldest ones are the first ones.
ALTER TABLE responses RENAME TO responses_by_id;
CREATE TABLE responses (
	seq		INTEGER PRIMARY KEY,
	tenant_id	INTEGER NOT NULL,
	id		TEXT NOT NULL,
	previous	TEXT NOT NULL,
	time_us		INTEGER NOT NULL,
	object		BLOB NOT NULL,
	input		BLOB NOT NULL
) STRICT;
INSERT INTO responses (tenant_id, id, previous, time_us, object, input)
	SELECT tenant_id, id, previous, time_us, object, input
	FROM responses_by_id ORDER BY time_us;
DROP TABLE responses_by_id;
CREATE UNIQUE INDEX responses_id ON responses (tenant_id, id);
