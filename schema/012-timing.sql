-- Where the time of a request went: waiting for a key, and connecting.
ALTER TABLE requests ADD COLUMN queue_us INTEGER NOT NULL DEFAULT -1;
ALTER TABLE requests ADD COLUMN connect_us INTEGER NOT NULL DEFAULT -1;
