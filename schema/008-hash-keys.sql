-- Keys under which client keys that came with an import were hashed elsewhere:
-- sealed.  print: SHA-256.
CREATE TABLE client_hash_keys (
	id		INTEGER PRIMARY KEY,
	print		TEXT NOT NULL UNIQUE,
	key		BLOB NOT NULL
) STRICT;
