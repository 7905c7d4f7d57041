-- bodies.db: what clients and providers said, where LOG_BODIES asks for it.
-- Times are microseconds since 1970.

CREATE TABLE migrations (
	version		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL,
	time_us		INTEGER NOT NULL
) STRICT;

-- One row a request whose bodies were kept; bytes: of all its sides.
CREATE TABLE captures (
	id		INTEGER PRIMARY KEY,
	request_id	TEXT NOT NULL UNIQUE,
	time_us		INTEGER NOT NULL,
	bytes		INTEGER NOT NULL
) STRICT;
CREATE INDEX captures_time ON captures (time_us);

-- side: 0 the client's request, 1 the request to the provider, 2 the provider's
-- answer, 3 the answer to the client; attempt counts from 0, and is 0 for what
-- the client sees.  size: bytes that there were; data may hold fewer, and has
-- secrets and media masked.  offsets: when they arrived, see bodies.h.
CREATE TABLE sides (
	capture_id	INTEGER NOT NULL
	    REFERENCES captures (id) ON DELETE CASCADE,
	side		INTEGER NOT NULL CHECK (side BETWEEN 0 AND 3),
	attempt		INTEGER NOT NULL,
	status		INTEGER NOT NULL,
	type		TEXT NOT NULL,
	size		INTEGER NOT NULL,
	data		BLOB NOT NULL,
	offsets		BLOB NOT NULL,
	PRIMARY KEY (capture_id, side, attempt)
) STRICT;
