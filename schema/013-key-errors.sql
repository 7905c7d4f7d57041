-- What went wrong with a key the last time that something did.
ALTER TABLE key_use ADD COLUMN error_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_use ADD COLUMN error_status INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_use ADD COLUMN error TEXT NOT NULL DEFAULT '';
