-- Every change of the configuration, so that it can be shown and taken back.
-- Times are microseconds since 1970.

-- scope: 1 configuration, 2 users and tokens, 3 both.  diff: JSON for people,
-- without secrets.  changeset: as SQLite's session extension writes it, with
-- what is sealed as it is sealed.  since: the first of the revisions that this
-- one stands for; where it is less than n, they cannot be told apart any more.
CREATE TABLE revisions (
	n		INTEGER PRIMARY KEY AUTOINCREMENT,
	time_us		INTEGER NOT NULL,
	author		TEXT NOT NULL,
	scope		INTEGER NOT NULL CHECK (scope BETWEEN 1 AND 3),
	action		TEXT NOT NULL,
	object		TEXT NOT NULL,
	rows		INTEGER NOT NULL,
	diff		TEXT NOT NULL,
	changeset	BLOB NOT NULL,
	since		INTEGER NOT NULL
) STRICT;

-- What app.yml says, where value says something else (source 'db'); given: the
-- key stands in the file.
ALTER TABLE settings ADD COLUMN file_value ANY;
ALTER TABLE settings ADD COLUMN given INTEGER NOT NULL DEFAULT 0;
UPDATE settings SET file_value = value;
