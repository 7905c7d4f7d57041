-- Who may manage the gateway, and who did what.  Times are microseconds since
-- 1970.  Of passwords and tokens only hashes are kept.

-- hash: PBKDF2-HMAC-SHA-256 of the password.
CREATE TABLE users (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role		TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
	enabled		INTEGER NOT NULL DEFAULT 1,
	salt		BLOB NOT NULL,
	rounds		INTEGER NOT NULL,
	hash		BLOB NOT NULL,
	created_us	INTEGER NOT NULL,
	login_us	INTEGER NOT NULL DEFAULT 0
) STRICT;

-- hash: SHA-256 of the cookie's value.  csrf: what a page's requests carry.
CREATE TABLE sessions (
	hash		TEXT PRIMARY KEY,
	user_id		INTEGER NOT NULL REFERENCES users (id)
	    ON DELETE CASCADE,
	csrf		TEXT NOT NULL,
	created_us	INTEGER NOT NULL,
	used_us		INTEGER NOT NULL,
	client		TEXT NOT NULL,
	user_agent	TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- For programs.  hash: SHA-256 of the token, of 142 random bits.
CREATE TABLE api_tokens (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL UNIQUE,
	role		TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
	hash		TEXT NOT NULL UNIQUE,
	mask		TEXT NOT NULL,
	created_us	INTEGER NOT NULL,
	expires_us	INTEGER NOT NULL DEFAULT 0,
	used_us		INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every act of management, also those that were refused.  Only ever grows.
CREATE TABLE audit (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	time_us		INTEGER NOT NULL,
	actor		TEXT NOT NULL,
	client		TEXT NOT NULL,
	action		TEXT NOT NULL,
	object		TEXT NOT NULL,
	ok		INTEGER NOT NULL,
	detail		TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
