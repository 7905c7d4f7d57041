-- What may be shown of what providers have sealed: a header's value masked, the
-- proxy without its password.  Those of app.yml come when it is next read.
ALTER TABLE provider_headers ADD COLUMN mask TEXT NOT NULL DEFAULT '****';
ALTER TABLE providers ADD COLUMN proxy_mask TEXT NOT NULL DEFAULT '';
UPDATE providers SET proxy_mask = '****' WHERE length(proxy) > 0;
