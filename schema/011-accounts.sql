-- What changed what accounts have spent, and was not counted by the proxyd whose
-- accounts hold: costs that were re-priced, and requests that another one served.
CREATE TABLE account_changes (
	seq		INTEGER PRIMARY KEY,
	time_us		INTEGER NOT NULL,
	epoch		INTEGER NOT NULL,	-- who has counted it; 0: nobody
	dim		INTEGER NOT NULL,	-- as in rollups
	account_id	INTEGER NOT NULL,
	day		INTEGER NOT NULL,	-- in which it was spent
	cost		INTEGER NOT NULL	-- more than before
) STRICT;
-- Whose accounts hold.
ALTER TABLE meta ADD COLUMN accounts_epoch INTEGER NOT NULL DEFAULT 0;
