-- Which conversation a request belongs to, and the rules that were tried for it.
ALTER TABLE requests ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN trace_json TEXT NOT NULL DEFAULT '';
